"""What the clock does to a pending call before it expires: two reminders, and one escalation to further groups."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from agents import halts, notify, runs
from agents.actors import system
from agents.approval import audience, rounds
from agents.models import RequirementGroup, ToolCall
from agents.states import Status
from agents.sweeping import each
from audit import clock, trail


def remind_due() -> int:
    """Remind approvers of calls whose half, then nine tenths, have passed."""
    due = _open().filter(remind_at__lte=clock.now())
    return each(due.order_by("remind_at", "pk").values_list("run_id", "pk"), _remind, kind="tool_call")


def escalate_due() -> int:
    """Ask further groups about calls that nobody has decided in the time that their rule gives."""
    due = _open().filter(escalate_at__lte=clock.now())
    return each(due.order_by("escalate_at", "pk").values_list("run_id", "pk"), _escalate, kind="tool_call")


@transaction.atomic(durable=True)
def _remind(run_id: UUID, request_id: UUID) -> bool:
    call = _locked(run_id, request_id)
    now = clock.now()
    if not _is_open(call, now) or call.remind_at is None or call.remind_at > now:
        return False
    call.reminders += 1
    call.remind_at = None
    if call.reminders == 1 and call.round_began_at and call.expires_at:
        call.remind_at = call.round_began_at + (call.expires_at - call.round_began_at) * rounds.SECOND_REMINDER
    call.save(update_fields=["reminders", "remind_at"])
    trail.append(
        "tool_call.reminded", actor=system(), subject=f"tool_call:{call.pk}", reminder=call.reminders,
        round=call.round, expires_at=call.expires_at,
    )  # fmt: skip
    notify.tell(notify.Kind.REMINDED, call, number=call.reminders)
    return True


@transaction.atomic(durable=True)
def _escalate(run_id: UUID, request_id: UUID) -> bool:
    """Add the groups to every requirement of the round; the next yes counts with them."""
    call = _locked(run_id, request_id)
    now = clock.now()
    if not _is_open(call, now) or call.escalate_at is None or call.escalate_at > now:
        return False
    asked = set(call.escalation_groups)
    for requirement in call.requirements.filter(round=call.round).prefetch_related("groups"):
        asked |= set(requirement.group_names)
        new = sorted(set(call.escalation_groups) - set(requirement.group_names))
        RequirementGroup.objects.bulk_create(RequirementGroup(requirement=requirement, name=name) for name in new)
    call.escalate_at, call.escalated_at = None, now
    call.save(update_fields=["escalate_at", "escalated_at"])
    audience.tell(call, asked)
    trail.append(
        "tool_call.escalated", actor=system(), subject=f"tool_call:{call.pk}", round=call.round,
        groups=call.escalation_groups,
    )  # fmt: skip
    notify.tell(notify.Kind.ESCALATED, call)
    return True


def _open() -> QuerySet[ToolCall]:
    return ToolCall.objects.filter(~halts.stops_call(), status=Status.PENDING, expires_at__gt=clock.now())


def _is_open(call: ToolCall, now: datetime) -> bool:
    return call.status == Status.PENDING and call.expires_at is not None and call.expires_at > now


def _locked(run_id: UUID, request_id: UUID) -> ToolCall:
    runs.lock(run_id)
    return ToolCall.objects.select_for_update(of=("self",)).get(pk=request_id)
