"""One tool call: what exactly will happen, why a person is asked, who wants it; and the person's answer."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.forms import Form
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from agents import visibility
from agents.approval import opened, typed_name, waiting
from agents.forms.decision import ApproveForm, BreakGlassForm, RejectForm, ReviewForm, SeenForm, SettleForm
from agents.forms.fields import ReasonForm
from agents.models import Decision, ToolCall
from agents.views import call_shown
from agents.views.answers import ANSWERS, form_of
from agents.views.call_facts import facts
from agents.views.door import Request, live, signed_in
from audit.errors import M1Error
from audit.prepared import prepared

MARK = "M1-Opened"
UNKNOWN = "Nothing was recorded. The form does not say what you answer."
INCOMPLETE = "Nothing was recorded. See what is missing below."


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /, request_id: UUID) -> HttpResponseBase:
    """Show the call, or take an answer to it and show what came of it."""
    call = visible(request, request_id)
    if request.method == "POST":
        return _answer(request, call)
    if request.htmx:
        return live(request, "agents/_approval.html", _context(request, call))
    return render(request, "agents/approval.html", _context(request, call))


def visible(request: Request, request_id: UUID) -> ToolCall:
    """Return a call that the person may see with all that its page shows; 404 for any other."""
    if not visibility.calls_visible_to(request.user).filter(pk=request_id).exists():
        raise Http404
    (call,) = _shown(request_id)
    decisions = Decision.objects.select_related("person", "on_behalf_of", "review")
    prefetch_related_objects([call], Prefetch("decisions", decisions), "requirements__groups")
    return call


@prepared(UUID)
def _shown(request_id: UUID) -> QuerySet[ToolCall]:
    """Say a call with the rows that its page is made of, but for the long columns that no page shows."""
    calls = ToolCall.objects.select_related(
        "run__agent", "run__requester", "turn", "tool_version", "check_row__policy_version", "execution__settled_by"
    )
    return calls.defer("check_row__policy_version__document", "turn__request", "turn__reply").filter(pk=request_id)


def _answer(request: Request, call: ToolCall) -> HttpResponse:
    """Record the answer. What was refused is explained on the page as it is now; no click is lost without a word."""
    kind = request.POST.get("answer", "")
    if kind not in ANSWERS:
        return _again(request, call, 400, UNKNOWN, {})
    form = form_of(request, call, kind)
    if not form.is_valid():
        return _again(request, call, 400, _missing(form), {kind: form})
    try:
        ANSWERS[kind].give(request, call, form)
    except M1Error as exc:
        return _again(request, call, exc.http_status, str(exc), {}, code=exc.code)
    response = redirect("approval", call.pk)
    response.status_code = 303
    return response


def _missing(form: Form) -> str:
    """Return what the person has to do; a name typed wrong stands far from the top of a phone's page."""
    named = form.errors.get("named")
    return f"Nothing was recorded. {named[0]}" if named else INCOMPLETE


def _again(
    request: Request, call: ToolCall, status: int, problem: str, forms: Mapping[str, Form], *, code: str = ""
) -> HttpResponse:
    """Show the page as the call is now, and say why nothing was recorded."""
    context = _context(request, visible(request, call.pk), forms)
    return render(request, "agents/approval.html", {**context, "problem": problem, "code": code}, status=status)


def _context(request: Request, call: ToolCall, forms: Mapping[str, Form] | None = None) -> dict[str, Any]:
    filled = forms or {}

    def blank(form: type[SeenForm]) -> SeenForm:
        return form(person=request.user, call=call)

    found = facts(request, call)
    return found | _marks(request, call, found, filled) | {
        "approve_form": filled.get("approve") or blank(ApproveForm),
        "reject_form": filled.get("reject") or filled.get("stop") or blank(RejectForm),
        "glass_form": filled.get("break_glass") or blank(BreakGlassForm),
        "settle_form": filled.get("settle") or SettleForm(), "review_form": filled.get("review") or ReviewForm(),
        "reopen_form": filled.get("reopen") or ReasonForm(), "cancel_form": filled.get("cancel") or ReasonForm(),
        "is_rejecting": bool(filled.keys() & {"reject", "stop"}), "typed_name": typed_name.wanted(call),
        "next_call": waiting.after(call, waiting.for_person(request.user)),
    }  # fmt: skip


def _marks(request: Request, call: ToolCall, found: Mapping[str, Any], filled: Mapping[str, Form]) -> dict[str, Any]:
    """Return what the server signs of this showing, and how the person looked so far where they send a form again.

    A live part that shows nothing new carries no mark of its own: it would differ each time for nothing.
    """
    again = shown_since(call, filled.values())
    since = again or _polled_since(request, call)
    mark = opened.mark(call, request.user, since, call_shown.of(found))
    is_new = not request.htmx or request.GET.get("seen") != found["state"]
    looked = next(iter(filled.values()), None) if again else None
    return {"opened": mark, "poll_mark": mark if since or is_new else "", "looked": looked}


def shown_since(call: ToolCall, forms: Iterable[Form]) -> datetime | None:
    """Return since when the person has this call before them, where they only send the same form once more."""
    for form in forms:
        if isinstance(form, SeenForm) and form.mark:
            seen = form.cleaned_data
            if (seen.get("digest"), seen.get("round")) == (call.arguments_digest, call.round):
                return form.mark.at
    return None


def _polled_since(request: Request, call: ToolCall) -> datetime | None:
    """Return since when a page that asks for its live part shows the call, by the mark that it was made with."""
    known = opened.read(
        request.headers.get(MARK, ""), request_id=call.pk, person=request.user, digest=call.arguments_digest,
        round_=call.round,
    )  # fmt: skip
    return known.at if known else None
