"""Several calls of one tool, decided on one page: each is shown, each gets a decision and an event of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from agents import tool_calls, visibility
from agents.approval import batches, opened, shown_facts, waiting
from agents.approval.opened import Opened
from agents.approval.seen import Seen
from agents.approval.shown_facts import Shown
from agents.errors import NotEligibleError, StaleDecisionError
from agents.forms.decision import PRESETS, LookForm
from agents.forms.fields import text
from agents.models import Decision, ToolCall
from agents.views import alike, bodies, call_shown
from agents.views.door import Request, signed_in
from audit import clock
from audit.errors import M1Error
from policy.reveal import reveal

FORM = "batch page 1"
LEFT_OUT = f"At most {batches.MOST} calls are decided together; the first {batches.MOST} are shown."


@dataclass(frozen=True)
class Entry:
    """A call on the page.

    why_not   why it is left out, "" for one that is decided here
    mark      the text that M1 signs for the form
    """

    call: ToolCall
    arguments: bodies.Body
    why_not: str
    mark: str


class BatchForm(LookForm):
    """Yes or no to all that are shown, and why: the agents get it as their answer."""

    tool = forms.CharField(max_length=200)
    answer = forms.ChoiceField(choices=[("approve", "Approve"), ("reject", "Reject")])
    preset = forms.ChoiceField(
        label="Why", choices=[(words, words) for words in PRESETS], widget=forms.RadioSelect, required=False
    )
    comment = text("In your own words", required=False)

    def clean(self) -> dict[str, Any]:
        """Join the chosen reason and the words; a rejection needs one of them."""
        cleaned: dict[str, Any] = super().clean() or {}
        cleaned["reason"] = ": ".join(filter(None, [cleaned.get("preset", ""), cleaned.get("comment", "")]))
        if cleaned.get("answer") == "reject" and not cleaned["reason"]:
            raise forms.ValidationError("Choose a reason or write one; the agents get it as their answer.")
        return cleaned


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /) -> HttpResponseBase:
    """Show the chosen calls, or answer those that were shown and say what became of each."""
    form = BatchForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        answered = list(_answer(request, form))
        return HttpResponseRedirect(_address([call.pk for call in answered]), status=303)
    calls, is_cut = _chosen(request)
    context = _context(request, calls, form) | {"left_out": LEFT_OUT if is_cut else ""}
    return render(request, "agents/batch.html", context, status=400 if form.errors else 200)


def _address(keys: Sequence[UUID]) -> str:
    return f"{reverse('batch')}?{urlencode({'call': keys}, doseq=True)}"


def _chosen(request: Request) -> tuple[list[ToolCall], bool]:
    """Return the calls that the address or the form names, as far as the person sees them, and whether some are cut."""
    visible = visibility.calls_visible_to(request.user).select_related(
        "run__agent", "run__requester", "turn", "tool_version__tool"
    )
    loaded = visible.prefetch_related("requirements__groups").defer("preview", "run__config")
    if (key := request.GET.get("like")) and request.method != "POST":
        call = get_object_or_404(visible, pk=_key(key))
        keys = list(alike.of(call, waiting.for_person(request.user)).values_list("pk", flat=True)[: batches.MOST + 1])
    else:
        named = request.POST if request.method == "POST" else request.GET
        keys = list(dict.fromkeys(map(_key, named.getlist("call"))))
    found = loaded.in_bulk(keys[: batches.MOST])
    return [found[key] for key in keys[: batches.MOST] if key in found], len(keys) > batches.MOST


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _context(request: Request, calls: Sequence[ToolCall], form: BatchForm) -> dict[str, Any]:
    tool = batches.tool_of(calls, request.user)
    entries = [_entry(request, call, tool) for call in calls]
    return {
        "now": clock.now(), "tool": tool, "form": form, "looked": form if form.is_bound else None,
        "entries": [one for one in entries if not one.why_not], "excluded": [one for one in entries if one.why_not],
        "address": _address([call.pk for call in calls]),
    }  # fmt: skip


def _entry(request: Request, call: ToolCall, tool: str) -> Entry:
    body = _arguments(request, call)
    known = _opened(request, call)
    mark = opened.mark(call, request.user, known.at if known else None, _shown(call, body))
    return Entry(call, body, batches.why_not(call, request.user, tool), mark)


def _arguments(request: Request, call: ToolCall) -> bodies.Body:
    declared = call.tool_version.declared if call.tool_version else {}
    revision = call.revisions.get(number=call.revision)
    may_view = visibility.may_view_bodies(request.user, call)
    return bodies.read(bytes(revision.arguments), sensitive=declared.get("sensitive_arguments", ()), may_view=may_view)


def _shown(call: ToolCall, body: bodies.Body) -> Shown:
    return shown_facts.of(
        {
            "form": FORM, "call": call.pk, "round": call.round, "headline": call.headline, "risk": call.risk,
            "tool": call.tool_name, "agent": call.run.agent.name, "requester": call.run.requester.get_username(),
            "environment": call.run.environment, "expires_at": call.expires_at, "digest": call.arguments_digest,
            "arguments": call_shown.body(body), "reason": call.reason,
        }
    )  # fmt: skip


def _answer(request: Request, form: BatchForm) -> Iterator[ToolCall]:
    """Answer each call by itself; what went wrong with one is told and touches no other."""
    for call in _chosen(request)[0]:
        yield call
        try:
            _answer_one(request, form, call)
        except M1Error as exc:
            messages.warning(request, f"Not recorded for “{reveal(call.headline[:200], one_line=True)}”: {exc}")


def _answer_one(request: Request, form: BatchForm, call: ToolCall) -> None:
    """Answer what was shown. Who was faster, and whatever else speaks against it, the function behind it says."""
    data, known = form.cleaned_data, _opened(request, call)
    if known is None:
        raise StaleDecisionError(why="the form was not made for you and this call; look at it again.")
    if why := batches.why_not_together(call, data["tool"]):
        raise NotEligibleError(why=why)
    seconds = (clock.now() - known.at).total_seconds()
    seen = Seen(
        *_seen(request, call), Decision.Surface.WEB, request.sign_in, open_seconds=seconds, shown=known.shown,
        focus_seconds=data["focus_seconds"], expanded=data["expanded"],
    )  # fmt: skip
    act = tool_calls.approve if data["answer"] == "approve" else tool_calls.reject
    act(call.pk, actor=request.user, seen=seen, comment=data["reason"])


def _seen(request: Request, call: ToolCall) -> tuple[str, int]:
    """Return digest and round that the page showed; those of no call for what it cannot have posted."""
    digest, _, number = request.POST.get(f"seen_{call.pk}", "").partition(":")
    return digest, int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 0


def _opened(request: Request, call: ToolCall) -> Opened | None:
    digest, number = _seen(request, call)
    mark = request.POST.get(f"opened_{call.pk}", "")
    return opened.read(mark, request_id=call.pk, person=request.user, digest=digest, round_=number)
