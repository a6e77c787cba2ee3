"""The admin's way to decide: a page that shows each call, and an answer to exactly what it showed."""

from collections.abc import Collection, Iterator
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse

from agents import tool_calls, visibility
from agents.approval import eligibility, opened, typed_name
from agents.approval.opened import Opened
from agents.approval.seen import Seen
from agents.forms.decision import LookForm
from agents.models import Decision, ToolCall
from agents.states import Status
from agents.views import bodies, call_shown, previews
from audit import clock
from audit.errors import M1Error
from policy.readonly import ReadOnlyAdmin

MOST = 20


def decide(desk: ReadOnlyAdmin, request: HttpRequest, queryset: QuerySet[ToolCall], answer: str) -> HttpResponse | None:
    """Show the pending ones among the selected calls; once confirmed, answer those that were shown."""
    problem = ""
    if "confirmed" in request.POST:
        problem = _record(desk, request, answer)
        if not problem:
            return None
    calls = queryset.filter(status=Status.PENDING).select_related(
        "run__agent", "run__requester", "turn", "tool_version__tool", "check_row__policy_version"
    )
    shown = [_shown(request, call) for call in calls.order_by("created_at")[:MOST]]
    if not shown:
        desk.message_user(request, "None of the selected tool calls waits for a decision.", messages.WARNING)
        return None
    context = {
        **desk.admin_site.each_context(request),
        "title": f"{answer.capitalize()} {len(shown)} tool call{pluralize(len(shown))}",
        "shown": shown, "answer": answer, "opts": desk.model._meta, "checkbox": ACTION_CHECKBOX_NAME,
        "left_out": max(0, calls.count() - MOST), "may_any": any(not one["why_not"] for one in shown),
        "problem": problem, "comment": request.POST.get("comment", ""),
    }  # fmt: skip
    return TemplateResponse(request, "admin/agents/toolcall/decide.html", context, status=400 if problem else 200)


def _shown(request: HttpRequest, call: ToolCall) -> dict[str, Any]:
    revision = call.revisions.get(number=call.revision)
    declared = call.tool_version.declared if call.tool_version else {}
    may_view = visibility.may_view_bodies(request.user, call)
    sensitive = declared.get("sensitive_arguments", ())
    found = {
        "call": call, "declared": declared, "verdict": call.check_row.verdict if call.check_row else {"reasons": []},
        "arguments": bodies.read(bytes(revision.arguments), sensitive=sensitive, may_view=may_view),
        "preview": previews.read(call.preview) if call.preview and may_view else None,
    }  # fmt: skip
    known = _opened(request, call.pk, call.arguments_digest, call.round)
    since = known.at if known else None
    return found | {
        "why_not": eligibility.why_not(call, request.user),
        "opened": opened.mark(call, request.user, since, call_shown.at_the_desk(found)),
        "typed_name": typed_name.wanted(call), "typed": request.POST.get(f"named_{call.pk}", ""),
    }  # fmt: skip


def _record(desk: ReadOnlyAdmin, request: HttpRequest, answer: str) -> str:
    """Answer each call that the confirmation page displayed; return why none was answered, "" else."""
    comment, actor = request.POST.get("comment", "").strip(), request.user
    given = dict(_seen(request))
    if why := _why_nothing(request, given, answer, comment):
        return f"Nothing was recorded: {why}"
    act = tool_calls.approve if answer == "approve" else tool_calls.reject
    for request_id, seen in given.items():
        try:
            act(request_id, actor=cast(AbstractUser, actor), seen=seen, comment=comment)
        except M1Error as exc:
            desk.message_user(request, f"{request_id}: {exc}", messages.WARNING)
        else:
            desk.message_user(request, f"{request_id}: your answer is on record.", messages.SUCCESS)
    return ""


def _why_nothing(request: HttpRequest, given: Collection[UUID], answer: str, comment: str) -> str:
    if not LookForm(request.POST).is_valid():
        return "the form is not as this page made it."
    if answer == "reject":
        return "" if comment else "a rejection needs a reason."
    calls = visibility.calls_visible_to(request.user).defer("preview").in_bulk(list(given)).values()
    wrong = [call for call in calls if not typed_name.is_right(call, request.POST.get(f"named_{call.pk}", ""))]
    return "type the name of each dangerous tool, letter by letter." if wrong else ""


def _seen(request: HttpRequest) -> Iterator[tuple[UUID, Seen]]:
    """Yield what the confirmation page displayed and posted back; what it cannot have posted is left out."""
    sign_in, look = getattr(request, "sign_in", None), LookForm(request.POST)
    how = look.cleaned_data if look.is_valid() else {}
    for text in request.POST.getlist("seen")[:MOST]:
        try:
            key, round_text, digest = text.split(":")
            request_id, round_ = UUID(key), int(round_text)
        except ValueError:
            continue
        known = _opened(request, request_id, digest, round_)
        seconds = (clock.now() - known.at).total_seconds() if known else None
        shown = known.shown if known else None
        yield request_id, Seen(digest, round_, Decision.Surface.ADMIN, sign_in, seconds, shown, **how)


def _opened(request: HttpRequest, request_id: UUID, digest: str, round_: int) -> Opened | None:
    mark = request.POST.get(f"opened_{request_id}", "")
    return opened.read(mark, request_id=request_id, person=request.user, digest=digest, round_=round_)
