"""Who may decide a call, in whose place, and whom it waits for. Whose own request it is never decides it."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from agents import delegations
from agents.models import Decision, RequirementGroup, ToolCall, ToolCallRevision
from agents.principals import identity, is_own, own_calls
from agents.states import Status
from agents.visibility import User, group_names
from audit import clock

LATE = "The time to decide has run out."


@dataclass(frozen=True, slots=True)
class Seat:
    """The place in which a person answers: their own, or that of somebody who is away."""

    on_behalf_of: AbstractUser | None = None


def why_not(call: ToolCall, user: User) -> str:
    """Return "" if the person may decide this call now, else the sentence that says why not."""
    found = seat(call, user)
    return found if isinstance(found, str) else ""


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
    now = Q(number=call.revision) | Q(digest=call.arguments_digest)
    authors = [row.author for row in call.revisions.filter(now, author__isnull=False).select_related("author")]
    return identity(user) in {identity(author) for author in authors if author is not None}


def has_answered(call: ToolCall, user: User) -> bool:
    """Tell whether the person has answered in this round, under any account of theirs or through a stand-in."""
    given = call.decisions.filter(round=call.round).select_related("person", "on_behalf_of")
    taken = {identity(one) for row in given for one in (row.person, row.on_behalf_of) if one is not None}
    return identity(user) in taken


def asked_groups(call: ToolCall) -> frozenset[str]:
    """Return the groups that the current round asks."""
    groups = RequirementGroup.objects.filter(requirement__call=call, requirement__round=call.round)
    return frozenset(groups.values_list("name", flat=True))


def waiting_for(user: User) -> QuerySet[ToolCall]:
    """Return the pending calls that the person may decide now, in their own place or in another's."""
    if not is_person(user):
        return ToolCall.objects.none()
    places = _open_to(user)
    for away in filter(is_person, delegations.acting_for(user)):
        places |= _open_to(away)
    mine = ~Exists(_answers_of(user)) & ~Exists(_written_by(user))
    calls = ToolCall.objects.filter(places, mine, status=Status.PENDING)
    return calls.filter(Q(allow_self=True) | ~own_calls(user), expires_at__gt=clock.now()).order_by(F("expires_at"))


def is_late(call: ToolCall) -> bool:
    """Tell whether the time to decide has run out, also where no sweep has come by yet."""
    return call.expires_at is None or call.expires_at <= clock.now()


def is_person(user: User) -> bool:
    """Tell whether this is an active person: service accounts never decide, whatever groups they are in."""
    return bool(user.is_authenticated and user.is_active and getattr(user, "is_person", False))


def _open_to(person: User) -> Q:
    """Return the condition that a round asks a group of the person's, who has not answered it."""
    asked = RequirementGroup.objects.filter(
        requirement__call=OuterRef("pk"), requirement__round=OuterRef("round"), name__in=group_names(person)
    )
    place = Q(Exists(asked)) & ~Q(Exists(_answers_of(person))) & ~Q(Exists(_written_by(person)))
    return place & (Q(allow_self=True) | ~own_calls(person))


def _answers_of(person: User) -> QuerySet[Decision]:
    mine = Q(person_id=person.pk) | Q(on_behalf_of_id=person.pk)
    if "@" in (address := identity(person)):
        mine |= Q(person__email__iexact=address) | Q(on_behalf_of__email__iexact=address)
    return Decision.objects.filter(mine, call=OuterRef("pk"), round=OuterRef("round"))


def _written_by(person: User) -> QuerySet[ToolCallRevision]:
    mine = Q(author_id=person.pk)
    if "@" in (address := identity(person)):
        mine |= Q(author__email__iexact=address)
    now = Q(number=OuterRef("revision")) | Q(digest=OuterRef("arguments_digest"))
    return ToolCallRevision.objects.filter(mine, now, call=OuterRef("pk"))
