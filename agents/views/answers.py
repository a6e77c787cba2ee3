"""What the forms of the approval page do, each by the function that every other surface calls too."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.forms import Form

from agents import tool_calls
from agents.approval import blocks, break_glass
from agents.errors import NotFoundError
from agents.forms.decision import ApproveForm, BreakGlassForm, RejectForm, ReviewForm, SeenForm, SettleForm
from agents.forms.fields import ReasonForm
from agents.models import ToolCall
from agents.views.door import Request


class Answer(NamedTuple):
    """A form, and what becomes true when it is sent."""

    form: type[Form]
    give: Callable[[Request, ToolCall, Any], None]


def form_of(request: Request, call: ToolCall, kind: str) -> Form:
    """Return the form of one of ANSWERS with what the browser sent."""
    made = ANSWERS[kind].form
    if issubclass(made, SeenForm):
        return made(request.POST, person=request.user, call=call)
    return made(request.POST)


def _approve(request: Request, call: ToolCall, form: ApproveForm) -> None:
    seen, comment = form.seen(request.sign_in), form.cleaned_data["comment"]
    tool_calls.approve(call.pk, actor=request.user, seen=seen, comment=comment)


def _reject(request: Request, call: ToolCall, form: RejectForm) -> None:
    reason = form.cleaned_data["reason"]
    tool_calls.reject(call.pk, actor=request.user, seen=form.seen(request.sign_in), comment=reason)


def _stop(request: Request, call: ToolCall, form: RejectForm) -> None:
    reason = form.cleaned_data["reason"]
    tool_calls.reject(call.pk, actor=request.user, seen=form.seen(request.sign_in), comment=reason, stop_run=True)


def _settle(request: Request, call: ToolCall, form: SettleForm) -> None:
    data = form.cleaned_data
    tool_calls.settle(call.pk, actor=request.user, outcome=data["outcome"], note=data["note"])


def _cancel(request: Request, call: ToolCall, form: ReasonForm) -> None:
    tool_calls.cancel(call.pk, actor=request.user, reason=form.cleaned_data["reason"])


def _break_glass(request: Request, call: ToolCall, form: BreakGlassForm) -> None:
    seen, reason = form.seen(request.sign_in), form.cleaned_data["reason"]
    break_glass.break_glass(call.pk, actor=request.user, seen=seen, reason=reason)


def _review(request: Request, call: ToolCall, form: ReviewForm) -> None:
    data = form.cleaned_data
    if not call.decisions.filter(pk=data["decision"]).exists():
        raise NotFoundError(thing="break-glass decision")
    break_glass.review(data["decision"], actor=request.user, note=data["note"])


def _reopen(request: Request, call: ToolCall, form: ReasonForm) -> None:
    blocks.reopen(call.pk, actor=request.user, reason=form.cleaned_data["reason"])


ANSWERS = {
    "approve": Answer(ApproveForm, _approve),
    "reject": Answer(RejectForm, _reject),
    "stop": Answer(RejectForm, _stop),
    "cancel": Answer(ReasonForm, _cancel),
    "settle": Answer(SettleForm, _settle),
    "break_glass": Answer(BreakGlassForm, _break_glass),
    "review": Answer(ReviewForm, _review),
    "reopen": Answer(ReasonForm, _reopen),
}
