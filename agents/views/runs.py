"""Runs: which there are, a new one, and the story of one."""

from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from agents import runs, timeline, visibility
from agents.forms.fields import ReasonForm, key_of
from agents.forms.run import RunForm
from agents.models import AgentRun, ToolCall
from agents.states import RUN_TERMINAL, RunStatus, Status
from agents.views import bodies, paging
from agents.views.door import Request, live, signed_in
from agents.views.inbox import votes
from audit import clock
from audit.errors import M1Error

RUNS_PER_PAGE, TURNS_PER_PAGE = 25, 20


@signed_in
@require_safe
def listing(request: Request, /) -> HttpResponse:
    """List the runs that the person may see, newest first."""
    found = visibility.runs_visible_to(request.user).select_related("agent", "requester").defer("config", "answer")
    chosen = request.GET.get("status", "")
    if chosen in RunStatus.values:
        found = found.filter(status=chosen)
    page_ = paging.page(found.order_by("-created_at", "-id"), request.GET.get("page"), RUNS_PER_PAGE)
    kept = f"&status={chosen}" if chosen in RunStatus.values else ""
    context = {"page": page_, "chosen": chosen, "kept": kept, "statuses": RunStatus.choices, "now": clock.now()}
    if request.htmx:
        return live(request, "agents/_runs.html", context)
    return render(request, "agents/runs.html", context)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: Request, /) -> HttpResponseBase:
    """Ask for a goal and an agent, and begin the run."""
    form = RunForm(request.POST or None, person=request.user)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            run = runs.create(
                agent=data["agent"], requester=request.user, goal=data["goal"], budget_usd=data["budget_usd"],
                preauthorization=UUID(data["preauthorization"]) if data["preauthorization"] else None,
                request_key=key_of(request.user, data["request_key"]),
            )  # fmt: skip
        except M1Error as exc:
            form.add_error(None, str(exc))
        else:
            return redirect("run", run.pk)
    return render(request, "agents/run_new.html", {"form": form}, status=400 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /, run_id: UUID) -> HttpResponseBase:
    """Show the story of a run while it is written, or cancel it."""
    run = _visible(request, run_id)
    if request.method == "POST":
        return _cancel(request, run)
    if request.htmx:
        return live(request, "agents/_run.html", _context(request, run))
    return render(request, "agents/run.html", _context(request, run))


def _visible(request: Request, run_id: UUID) -> AgentRun:
    found = visibility.runs_visible_to(request.user).select_related("agent", "requester", "preauthorization__person")
    return get_object_or_404(found.defer("config"), pk=run_id)


def _cancel(request: Request, run: AgentRun) -> HttpResponse:
    form, problem, status = ReasonForm(request.POST), "", 400
    if form.is_valid():
        try:
            runs.cancel(run.pk, actor=request.user, reason=form.cleaned_data["reason"])
        except M1Error as exc:
            problem, status = str(exc), exc.http_status
        else:
            return redirect("run", run.pk)
    context = _context(request, _visible(request, run.pk)) | {"cancel_form": form, "problem": problem}
    return render(request, "agents/run.html", context, status=status)


def _context(request: Request, run: AgentRun) -> dict[str, Any]:
    turns = Paginator(timeline.turns_of(run), TURNS_PER_PAGE)
    shown = turns.get_page(request.GET.get("turns", turns.num_pages))
    calls = [call for turn in shown for call in turn.tool_calls.all()]
    return {
        "run": run, "now": clock.now(), "is_over": run.status in RUN_TERMINAL, "cancel_form": ReasonForm(),
        "turns": shown, "happenings": timeline.of_run(run, calls),
        "story": [(turn, [_told(request, call) for call in turn.tool_calls.all()]) for turn in shown],
        "spent_percent": min(100, int(run.cost_usd / run.budget_usd * 100)) if run.budget_usd else 0,
    }  # fmt: skip


def _told(request: Request, call: ToolCall) -> dict[str, Any]:
    execution = getattr(call, "execution", None)
    output = execution.output.encode() if execution else b""
    may_view = bool(output) and visibility.may_view_bodies(request.user, call)
    declared = call.tool_version.declared if call.tool_version else {}
    sensitive = declared.get("sensitive_results", ())
    given, needed = votes(call)
    reasons = call.check_row.verdict["reasons"] if call.check_row else []
    is_said = call.note in " ".join(reason["sentence"] for reason in reasons) or call.status == Status.REJECTED
    return {
        "call": call, "execution": execution, "votes": given, "needed": needed,
        "result": bodies.read(output, sensitive=sensitive, may_view=may_view) if output else None,
        "reasons": reasons, "note": "" if is_said else call.note,
    }  # fmt: skip
