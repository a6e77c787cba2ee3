"""One tool call: what exactly will happen, why a person is asked, who wants it; and the person's answer."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from agents import tool_calls, visibility
from agents.eligibility import waiting_for
from agents.forms import ApproveForm, RejectForm, SettleForm
from agents.models import Decision, ToolCall
from agents.views.call_facts import facts
from agents.views.door import Request, live, signed_in
from audit.errors import M1Error

FORMS: dict[str, type[Form]] = {
    "approve": ApproveForm, "reject": RejectForm, "stop": RejectForm, "settle": SettleForm,
}  # fmt: skip


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /, request_id: UUID) -> HttpResponseBase:
    """Show the call, or take an answer to it and show what came of it."""
    call = _visible(request, request_id)
    if request.method == "POST":
        return _answer(request, call)
    if request.htmx:
        return live(request, "agents/_approval.html", _context(request, call))
    return render(request, "agents/approval.html", _context(request, call))


def _visible(request: Request, request_id: UUID) -> ToolCall:
    calls = visibility.calls_visible_to(request.user).select_related(
        "run__agent",
        "run__requester",
        "turn",
        "tool_version__tool",
        "check_row__policy_version",
        "execution__settled_by",
    )
    decisions = Decision.objects.select_related("token")
    return get_object_or_404(
        calls.prefetch_related(Prefetch("decisions", decisions), "requirements__groups"), pk=request_id
    )


def _answer(request: Request, call: ToolCall) -> HttpResponse:
    """Record the answer. What was refused is explained on the page as it is now; no click is lost without a word."""
    kind = request.POST.get("answer", "")
    form = FORMS.get(kind, ApproveForm)(request.POST)
    if kind not in FORMS or not form.is_valid():
        return _again(request, call, 400, "Nothing was recorded. See what is missing below.", {kind: form})
    try:
        _record(request, call, kind, form.cleaned_data)
    except M1Error as exc:
        return _again(request, call, exc.http_status, str(exc), {}, code=exc.code)
    response = redirect("approval", call.pk)
    response.status_code = 303
    return response


def _record(request: Request, call: ToolCall, kind: str, data: dict[str, Any]) -> None:
    if kind == "settle":
        tool_calls.settle(call.pk, actor=request.user, outcome=data["outcome"], note=data["note"])
        return
    seen = {"digest_seen": data["digest"], "round_seen": data["round"], "surface": Decision.Surface.WEB}
    if kind == "approve":
        tool_calls.approve(call.pk, actor=request.user, comment=data["comment"], **seen)
    else:
        stop = kind == "stop"
        tool_calls.reject(call.pk, actor=request.user, comment=data["reason"], stop_run=stop, **seen)


def _again(
    request: Request, call: ToolCall, status: int, problem: str, forms: dict[str, Form], *, code: str = ""
) -> HttpResponse:
    """Show the page as the call is now, and say why nothing was recorded."""
    context = _context(request, _visible(request, call.pk), forms)
    return render(request, "agents/approval.html", {**context, "problem": problem, "code": code}, status=status)


def _context(request: Request, call: ToolCall, forms: dict[str, Form] | None = None) -> dict[str, Any]:
    filled = forms or {}
    seen = {"digest": call.arguments_digest, "round": call.round}
    return facts(request, call) | {
        "approve_form": filled.get("approve") or ApproveForm(initial=seen),
        "reject_form": filled.get("reject") or filled.get("stop") or RejectForm(initial=seen),
        "settle_form": filled.get("settle") or SettleForm(),
        "is_rejecting": bool(filled.keys() & {"reject", "stop"}),
        "next_call": waiting_for(request.user).exclude(pk=call.pk).only("pk", "headline").first(),
    }
