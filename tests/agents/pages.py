"""What tests of pages share: a browser without script, and what it reads."""

import html
import re
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.test import Client

from agents.approval import opened
from agents.models import ToolCall
from audit.models import AuditEvent
from m1site.accounts.models import User

LIVE = {"HX-Request": "true"}


def client_of(person: User) -> Client:
    """Return a browser in which the person is signed in."""
    client = Client()
    client.force_login(person)
    return client


def text_of(response: HttpResponse) -> str:
    """Return what stands on the page, without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode()))


def path_of(call: ToolCall) -> str:
    """Return the address of the page of a call."""
    return f"/approvals/{call.pk}/"


def answer_to(call: ToolCall, answer: str, by: Client | User | None = None, **fields: Any) -> dict[str, Any]:
    """Return the form that a person sends who saw the call as it stands, or as the fields say.

    by   the person, or the browser in which they are signed in; None: without the field that M1 signs for them
    """
    given = {"answer": answer, "named": call.tool_name}
    if by is None:
        return given | {"digest": call.arguments_digest, "round": call.round} | fields
    return given | seen(call, by, **fields)


def seen(call: ToolCall, by: Client | User, **fields: Any) -> dict[str, Any]:
    """Return the hidden fields of a form about the call, signed for whoever sends it, and further fields."""
    person = by if isinstance(by, User) else User.objects.get(pk=by.session["_auth_user_id"])
    facts = {"digest": call.arguments_digest, "round": call.round} | fields
    shown = ToolCall(pk=call.pk, arguments_digest=facts["digest"], round=facts["round"])
    return {"opened": opened.mark(shown, person)} | facts


def events_of(key: UUID) -> list[str]:
    """Return the actions on record about a call or a run, oldest first."""
    rows = AuditEvent.objects.filter(subject__endswith=f":{key}").order_by("created_at", "id")
    return list(rows.values_list("action", flat=True))
