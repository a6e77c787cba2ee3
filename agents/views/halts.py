"""Halts: what is stopped, since when and why; who may, sets and lifts them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from agents import halts, timeline
from agents.forms.halt import HaltForm
from agents.models import Halt
from agents.views.door import Request, signed_in
from agents.visibility import SEE_ALL_GROUPS, User, group_names
from audit import clock
from audit.errors import M1Error
from audit.events import Event
from audit.models import AuditEvent
from audit.prepared import prepared

LIFTED_SHOWN = 20


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /) -> HttpResponseBase:
    """List the halts in force and the last ones lifted, or set one."""
    _refuse_strangers(request)
    if request.method != "POST":
        return _listed(request, HaltForm())
    form = HaltForm(request.POST)
    if halts.may_halt(request.user) and not form.is_valid():
        return _listed(request, form, "Nothing was halted. See what is missing below.", 400)
    try:
        target = form.target() if form.is_valid() else {}
        halts.set_halt(actor=request.user, reason=form.cleaned_data.get("reason", ""), **target)
    except M1Error as exc:
        return _listed(request, form, str(exc), exc.http_status)
    return redirect("halts")


@signed_in
@require_http_methods(["POST"])
def lift(request: Request, /, halt_id: UUID) -> HttpResponseBase:
    """Lift a halt."""
    _refuse_strangers(request)
    try:
        halts.lift(halt_id, actor=request.user)
    except M1Error as exc:
        return _listed(request, HaltForm(), str(exc), exc.http_status)
    return redirect("halts")


def may_see(user: User) -> bool:
    """Tell whether the person may see the page: those who halt, and those who see every call."""
    return bool(user.is_active) and (
        bool(user.is_superuser) or not group_names(user).isdisjoint(SEE_ALL_GROUPS) or halts.may_halt(user)
    )


def on_everything() -> Halt | None:
    """Return the halt that stops everything, if there is one."""
    found = _all_stopping()
    return found[0] if found else None


@prepared()
def _all_stopping() -> QuerySet[Halt]:
    return halts.in_force().filter(agent=None, tool=None)


def _refuse_strangers(request: Request) -> None:
    if not may_see(request.user):
        raise Http404


def _listed(request: Request, form: HaltForm, problem: str = "", status: int = 200) -> HttpResponse:
    rows = Halt.objects.select_related("agent", "tool", "person").filter(lifted_at__isnull=False)
    context: dict[str, Any] = {
        "now": clock.now(), "problem": problem, "form": form if halts.may_halt(request.user) else None,
        "in_force": halts.in_force(),
        "lifted": _with_lifters(rows.order_by("-lifted_at")[:LIFTED_SHOWN]),
    }  # fmt: skip
    return render(request, "agents/halts.html", context, status=status)


def _with_lifters(rows: Iterable[Halt]) -> list[tuple[Halt, str]]:
    """Return halts with who lifted each, as the trail has it; "" where it has no such event."""
    found = list(rows)
    events = AuditEvent.objects.filter(action=Event.HALT_LIFTED, subject__in=[f"halt:{row.pk}" for row in found])
    actors = dict(events.values_list("subject", "actor"))
    names = timeline.names(set(actors.values()))
    return [(row, names.get(actors.get(f"halt:{row.pk}", ""), "")) for row in found]
