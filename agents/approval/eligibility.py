"""Who may decide a call, in whose place, and whom it waits for. Whose own request it is never decides it."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Q, QuerySet

from agents.approval import delegations, waiting
from agents.models import Decision, RequirementGroup, ToolCall, ToolCallRevision
from agents.principals import identity, is_own, is_person
from agents.states import Status
from agents.visibility import User, group_names
from audit import clock
from audit.once import once_a_page
from audit.prepared import prepared

LATE = "The time to decide has run out."


@dataclass(frozen=True, slots=True)
class Seat:
    """The place in which a person answers: their own, or that of somebody who is away."""

    on_behalf_of: AbstractUser | None = None


def why_not(call: ToolCall, user: User) -> str:
    """Return "" if the person may decide this call now, else the sentence that says why not."""
    found = seat(call, user)
    return found if isinstance(found, str) else ""


@once_a_page(lambda call, user: (call.pk, call.status, call.round, call.arguments_digest, user.pk))
def seat(call: ToolCall, user: User) -> Seat | str:
    """Return the place in which the person may decide this call now, else the sentence that says why not."""
    if not is_person(user):
        return "Only people decide; service accounts never do."
    if call.status != Status.PENDING:
        return f"The call is {call.get_status_display().lower()}; there is nothing to decide."
    if is_late(call):
        return LATE
    if has_answered(call, user):
        return "You have decided already."
    return vacancy(call, user)


def vacancy(call: ToolCall, user: User) -> Seat | str:
    """Return the place that a person could take for this call, whatever its state, else why there is none."""
    if why := standing(call, user):
        return why
    asked = asked_groups(call)
    if group_names(user) & asked:
        return Seat()
    for away in delegations.acting_for(user):
        if not standing(call, away) and group_names(away) & asked and not has_answered(call, away):
            return Seat(away)
    return f"Members of {' or '.join(sorted(asked))} decide this."


def standing(call: ToolCall, user: User) -> str:
    """Return "" if nothing about the person speaks against them, whatever groups are asked, else what does."""
    if not is_person(user):
        return "Only active people count."
    if not call.allow_self and is_own(call, user):
        return "This is your own request: you asked for it, the agent is yours, or it acts for you."
    if wrote(call, user):
        return "You wrote these arguments; someone else must decide."
    return ""


def wrote(call: ToolCall, user: User) -> bool:
    """Tell whether the person wrote the arguments as they are now, in whatever revision, by any of their accounts."""
    return identity(user) in map(identity, authors(call.pk, call.revision, call.arguments_digest))


@prepared(UUID, int, str)
def authors(call_id: UUID, revision: int, digest: str) -> QuerySet[AbstractUser]:
    """Say who wrote a revision of a call's arguments, or the same arguments in another one."""
    now = ToolCallRevision.objects.filter(Q(number=revision) | Q(digest=digest), call=call_id)
    return get_user_model().objects.filter(pk__in=now.filter(author__isnull=False).values("author"))


def has_answered(call: ToolCall, user: User) -> bool:
    """Tell whether the person has answered in this round, under any account of theirs or through a stand-in."""
    taken = {identity(one) for row in answers(call.pk, call.round) for one in (row.person, row.on_behalf_of) if one}
    return identity(user) in taken


@prepared(UUID, int)
def answers(call_id: UUID, round_: int) -> QuerySet[Decision]:
    """Say the answers of a round, with the people behind them."""
    return Decision.objects.filter(call=call_id, round=round_).select_related("person", "on_behalf_of")


def asked_groups(call: ToolCall) -> frozenset[str]:
    """Return the groups that the current round asks."""
    return frozenset(names_asked(call.pk, call.round))


@prepared(UUID, int)
def names_asked(call_id: UUID, round_: int) -> QuerySet[RequirementGroup, str]:
    """Say the names of the groups that a round asks."""
    groups = RequirementGroup.objects.filter(requirement__call=call_id, requirement__round=round_)
    return groups.values_list("name", flat=True)


def waiting_for(user: User) -> QuerySet[ToolCall]:
    """Return the pending calls that the person may decide now, in their or in another's place; the riskiest first."""
    return waiting.for_person(user)


def is_late(call: ToolCall) -> bool:
    """Tell whether the time to decide has run out, also where no sweep has come by yet."""
    return call.expires_at is None or call.expires_at <= clock.now()
