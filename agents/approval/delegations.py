"""Standing in for somebody who is away: who may, from when to when, and on whose behalf a person answers."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Q, QuerySet

from agents import principals
from agents.actors import actor_of
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError
from agents.models import Delegation
from audit import clock, trail
from audit.once import once_a_page
from audit.prepared import prepared

MAX_DAYS = 92
MAX_REASON = 500


@transaction.atomic(durable=True)
def delegate(
    *, person: AbstractUser, delegate: AbstractUser, starts_at: datetime, ends_at: datetime, reason: str
) -> Delegation:
    """Let another decide, while a person is away, what that person could decide.

    A stand-in passes nothing on, and nobody is stood in for twice at a time.

    Raises InvalidFieldError, NotEligibleError.
    """
    if not person.is_active or not getattr(person, "is_person", False):
        raise NotEligibleError(why="Only people are away, and only they say who stands in for them.")
    both = get_user_model().objects.filter(pk__in=[person.pk, delegate.pk]).order_by("pk")
    list(both.select_for_update(no_key=True))  # two delegations that conflict are checked one after the other
    _check(person, delegate, starts_at, ends_at, reason)
    _refuse_conflicts(person, delegate, starts_at, ends_at)
    row = Delegation.objects.create(
        person_id=person.pk, delegate_id=delegate.pk, reason=reason.strip(), starts_at=starts_at, ends_at=ends_at,
        created_at=clock.now(),
    )  # fmt: skip
    trail.append(
        "delegation.given", actor=actor_of(person), subject=f"delegation:{row.pk}", delegate=delegate.pk,
        starts_at=starts_at, ends_at=ends_at, reason=row.reason,
    )  # fmt: skip
    return row


@transaction.atomic(durable=True)
def end(delegation_id: UUID, *, actor: AbstractUser) -> None:
    """End a delegation at once; what was decided under it and has not run counts no more. Raises NotFoundError."""
    mine = Delegation.objects.filter(pk=delegation_id, ended_at=None, ends_at__gt=clock.now())
    if not actor.has_perm("agents.change_delegation"):
        mine = mine.filter(Q(person_id=actor.pk) | Q(delegate_id=actor.pk))
    if not mine.update(ended_at=clock.now(), ended_by_id=actor.pk):
        raise NotFoundError(thing="delegation of yours in force")
    trail.append("delegation.ended", actor=actor_of(actor), subject=f"delegation:{delegation_id}")


def in_force(at: datetime | None = None) -> QuerySet[Delegation]:
    """Return the delegations that count at a moment, now if none is given; one that was ended never counts again."""
    at = at or clock.now()
    return Delegation.objects.filter(starts_at__lte=at, ends_at__gt=at, ended_at=None, person__is_active=True)


@once_a_page(lambda user: getattr(user, "pk", None))
def acting_for(user: object) -> list[AbstractUser]:
    """Return the people for whom somebody stands in now."""
    key = getattr(user, "pk", None)
    return [row.person for row in _given_to(key, clock.now())] if key else []


@prepared(UUID, datetime)
def _given_to(user_id: UUID, at: datetime) -> QuerySet[Delegation]:
    return in_force(at).filter(delegate=user_id).select_related("person").order_by("created_at", "pk")


def _check(person: AbstractUser, delegate: AbstractUser, starts_at: datetime, ends_at: datetime, reason: str) -> None:
    if not delegate.is_active or not getattr(delegate, "is_person", False):
        raise InvalidFieldError(field="delegate", problem="must be an active person")
    if principals.identity(delegate) == principals.identity(person):
        raise InvalidFieldError(field="delegate", problem="must be somebody else")
    if not reason.strip() or len(reason) > MAX_REASON or "\0" in reason:
        raise InvalidFieldError(field="reason", problem=f"must be a text of 1 to {MAX_REASON} characters")
    if ends_at <= max(starts_at, clock.now()):
        raise InvalidFieldError(field="ends_at", problem="must lie after the beginning, and ahead")
    if ends_at - starts_at > timedelta(days=MAX_DAYS):
        raise InvalidFieldError(field="ends_at", problem=f"must be at most {MAX_DAYS} days after the beginning")


def _refuse_conflicts(person: AbstractUser, delegate: AbstractUser, starts_at: datetime, ends_at: datetime) -> None:
    beside = Delegation.objects.filter(ended_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at)
    if beside.filter(person_id=person.pk).exists():
        raise InvalidFieldError(field="starts_at", problem="lies in a time for which you have a stand-in already")
    if beside.filter(person_id=delegate.pk).exists():
        raise InvalidFieldError(field="delegate", problem=f"cannot be {delegate}, who is away in that time")
    if beside.filter(delegate_id=person.pk).exists():
        raise InvalidFieldError(
            field="starts_at", problem="lies in a time in which you stand in for somebody else; that is not passed on"
        )
