"""The admin's way to decide: a page that shows each call, and an answer to exactly what it showed."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from agents import eligibility, opened, tool_calls, visibility
from agents.models import Decision, ToolCall
from agents.seen import Seen
from agents.states import Status
from agents.views import bodies
from audit import clock
from audit.errors import M1Error
from policy.readonly import ReadOnlyAdmin

MOST = 20


def decide(desk: ReadOnlyAdmin, request: HttpRequest, queryset: QuerySet[ToolCall], answer: str) -> HttpResponse | None:
    """Show the pending ones among the selected calls; once confirmed, answer those that were shown."""
    if "confirmed" in request.POST:
        comment = request.POST.get("comment", "").strip()
        if comment or answer == "approve":
            _record(desk, request, answer, comment)
            return None
        desk.message_user(request, "Nothing was recorded: a rejection needs a reason.", messages.ERROR)
    calls = queryset.filter(status=Status.PENDING).select_related("run__agent", "run__requester", "tool_version")
    shown = [_shown(request, call) for call in calls.order_by("created_at")[:MOST]]
    if not shown:
        desk.message_user(request, "None of the selected tool calls waits for a decision.", messages.WARNING)
        return None
    context = {
        **desk.admin_site.each_context(request), "title": f"{answer.capitalize()} {len(shown)} tool calls",
        "shown": shown, "answer": answer, "opts": desk.model._meta, "checkbox": ACTION_CHECKBOX_NAME,
        "left_out": max(0, calls.count() - MOST), "may_any": any(not one["why_not"] for one in shown),
    }  # fmt: skip
    return TemplateResponse(request, "admin/agents/toolcall/decide.html", context)


def _shown(request: HttpRequest, call: ToolCall) -> dict[str, Any]:
    revision = call.revisions.get(number=call.revision)
    declared = call.tool_version.declared if call.tool_version else {}
    may_view = visibility.may_view_bodies(request.user, call)
    sensitive = declared.get("sensitive_arguments", ())
    return {
        "call": call, "why_not": eligibility.why_not(call, request.user), "opened": opened.mark(call, request.user),
        "arguments": bodies.read(bytes(revision.arguments), sensitive=sensitive, may_view=may_view),
    }  # fmt: skip


def _record(desk: ReadOnlyAdmin, request: HttpRequest, answer: str, comment: str) -> None:
    act = tool_calls.approve if answer == "approve" else tool_calls.reject
    actor = request.user
    if not isinstance(actor, AbstractUser):
        return
    for request_id, seen in _seen(request, actor):
        try:
            act(request_id, actor=actor, seen=seen, comment=comment)
        except M1Error as exc:
            desk.message_user(request, f"{request_id}: {exc}", messages.WARNING)
        else:
            desk.message_user(request, f"{request_id}: your answer is on record.", messages.SUCCESS)


def _seen(request: HttpRequest, actor: AbstractUser) -> Iterator[tuple[UUID, Seen]]:
    """Yield what the confirmation page displayed and posted back; what it cannot have posted is left out."""
    sign_in = getattr(request, "sign_in", None)
    for text in request.POST.getlist("seen")[:MOST]:
        try:
            key, round_text, digest = text.split(":")
            request_id, round_ = UUID(key), int(round_text)
        except ValueError:
            continue
        mark = request.POST.get(f"opened_{request_id}", "")
        since = opened.since(mark, request_id=request_id, person=actor, digest=digest, round_=round_)
        seconds = (clock.now() - since).total_seconds() if since else None
        yield request_id, Seen(digest, round_, Decision.Surface.ADMIN, sign_in, seconds)
