"""One asking of people: what a round requires, who answered, whether that is enough."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet

from agents.approval import audience, break_glass_group, eligibility, quorum
from agents.models import Decision, Delegation, Requirement, RequirementGroup, ToolCall
from agents.principals import identity
from agents.visibility import group_names
from audit import clock
from audit.prepared import prepared
from policy import verdict

FIRST_REMINDER, SECOND_REMINDER = 0.5, 0.9
CLOCK = ["round_began_at", "remind_at", "reminders", "escalate_at", "escalation_groups", "escalated_at"]


@dataclass(frozen=True, slots=True)
class Yeses:
    """Who approved in a round and still counts.

    groups         of each person, or of whom they stood in for
    broke_glass    the person who approved in place of everybody
    """

    groups: dict[object, frozenset[str]]
    broke_glass: object = None

    @property
    def people(self) -> AbstractSet[object]:
        """All of them."""
        return self.groups.keys() | ({self.broke_glass} if self.broke_glass else set())


def begin(call: ToolCall, asked: verdict.Verdict) -> None:
    """Freeze what the verdict asks as the requirements of the call's current round, and set its clock."""
    for one in asked.requirements:
        row = Requirement.objects.create(call=call, round=call.round, count=one.count)
        RequirementGroup.objects.bulk_create(
            RequirementGroup(requirement=row, name=name) for name in sorted(one.groups)
        )
    began, until = clock.now(), call.expires_at
    escalation = asked.escalation
    escalate_at = began + timedelta(minutes=escalation.after_minutes) if escalation else None
    if until is None or (escalate_at and escalate_at >= until):
        escalate_at = None
    call.round_began_at, call.reminders, call.escalated_at, call.escalate_at = began, 0, None, escalate_at
    call.remind_at = began + (until - began) * FIRST_REMINDER if until and asked.reminders else None
    call.escalation_groups = sorted(escalation.groups) if escalation and escalate_at else []
    call.save(update_fields=CLOCK)
    audience.tell(call, {name for one in asked.requirements for name in one.groups})


def opening(asked: verdict.Verdict) -> timedelta:
    """Return how long people have."""
    return timedelta(minutes=asked.open_minutes)


def requirements(call: ToolCall) -> list[verdict.Requirement]:
    """Return what the current round asks."""
    asked: dict[int, tuple[int, set[str | None]]] = {}
    for key, count, group in rows_asked(call.pk, call.round):  # None: it names no group, and nobody will do
        asked.setdefault(key, (count, set()))[1].add(group)
    return [verdict.Requirement(count, frozenset(name for name in names if name)) for count, names in asked.values()]


@prepared(UUID, int)
def rows_asked(call_id: UUID, round_: int) -> QuerySet[Requirement, Any]:
    """Say a round's requirements, once for each of their groups: key, how many people, name of the group or None."""
    rows = Requirement.objects.filter(call=call_id, round=round_).order_by("pk")
    return rows.values_list("pk", "count", "groups__name")


def given(call: ToolCall) -> list[Decision]:
    """Return the answers of the current round, the oldest first, with the people and the tokens behind them."""
    return rows_given(call.pk, call.round)


@prepared(UUID, int)
def rows_given(call_id: UUID, round_: int) -> QuerySet[Decision]:
    """Say the answers of a round as `given` returns them."""
    rows = Decision.objects.filter(call=call_id, round=round_).select_related("person", "on_behalf_of", "token")
    return rows.order_by("created_at", "pk")


def yeses(call: ToolCall, answers: Sequence[Decision] | None = None) -> Yeses:
    """Return who approved what the call is now and still counts; standing and groups are looked up at this moment.

    answers   of the current round, where they have been looked up already
    """
    groups: dict[object, frozenset[str]] = {}
    taken: set[str] = set()
    broke_glass: object = None
    for row in given(call) if answers is None else answers:
        if row.answer != Decision.Answer.APPROVE or row.digest_seen != call.arguments_digest:
            continue
        if row.kind == Decision.Kind.BREAK_GLASS:
            broke_glass = broke_glass or (None if break_glass_group.standing(call, row.person) else row.person_id)
        elif counts(call, row) and taken.isdisjoint(identities := _identities(row)):
            taken |= identities
            groups[row.person_id] = group_names(row.on_behalf_of or row.person)
    return Yeses(groups, broke_glass)


def counts(call: ToolCall, row: Decision) -> bool:
    """Tell whether an approval still counts: the person, and whoever they stood in for, as they are now."""
    if eligibility.standing(call, row.person):
        return False
    if row.on_behalf_of is None:
        return True
    standing_in = Delegation.objects.filter(
        person=row.on_behalf_of, delegate=row.person, starts_at__lte=row.created_at, ends_at__gt=row.created_at,
        ended_at=None,
    )  # fmt: skip
    return standing_in.exists() and not eligibility.standing(call, row.on_behalf_of)


def missing(call: ToolCall) -> int:
    """Return how many more people the round needs, at least."""
    found = yeses(call)
    return 0 if found.broke_glass else quorum.missing(requirements(call), found.groups)


def _identities(row: Decision) -> set[str]:
    people: list[AbstractUser] = [one for one in (row.person, row.on_behalf_of) if one is not None]
    return {identity(one) for one in people}
