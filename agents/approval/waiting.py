"""What waits for a person and what waits for others, as conditions that the index of waiting calls answers."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from agents import principals, visibility
from agents.approval import audience, delegations
from agents.models import Decision, RunGroup, ToolCall, ToolCallRevision
from agents.states import Status
from agents.visibility import Sight, User
from audit import clock
from audit.once import once_a_page

Away: TypeAlias = list[tuple[AbstractUser, frozenset[str]]]
ORDER = ("rank", "expires_at", "request_id")
"""The riskiest first, then what expires first."""
MOST = 1_000
"""Nobody counts further: a page that says 999+ costs the same whether a thousand wait or a million."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many wait, counted up to MOST; written `999+` from there on."""

    number: int

    def __bool__(self) -> bool:
        return self.number > 0

    def __str__(self) -> str:
        return str(self.number) if self.number < MOST else f"{MOST - 1}+"


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies before a person; both lists in ORDER.

    mine     what they may decide now, in their own place or in another's
    others   what else waits of all that they may see
    away     for whom they stand in now, with the groups of each
    """

    mine: QuerySet[ToolCall]
    others: QuerySet[ToolCall]
    away: Away
    sight: Sight


@once_a_page(lambda user: user.pk)
def for_person(user: User) -> QuerySet[ToolCall]:
    """Return the pending calls that the person may decide now, in their own place or in another's; in ORDER."""
    return _pending().filter(_mine(user, visibility.group_names(user), _away(user)))


def desk(user: User) -> Desk:
    """Return what lies before a person."""
    away = _away(user)
    sight = visibility.sight_of(user, frozenset().union(*(groups for _, groups in away)))
    mine = _mine(user, sight.groups, away)
    return Desk(_pending().filter(mine), _pending().filter(~mine, _visible(sight)), away, sight)


def after(call: ToolCall, calls: QuerySet[ToolCall]) -> ToolCall | None:
    """Return which of the calls comes after this one in ORDER, from the end on the first; None where there is none."""
    others = calls.exclude(pk=call.pk).only("pk", "headline")
    same = Q(rank=call.rank)
    later = Q(rank__gt=call.rank) | same & Q(expires_at__gt=call.expires_at)
    later |= same & Q(expires_at=call.expires_at, request_id__gt=call.pk)
    return (others.filter(later).first() if call.expires_at else None) or others.first()


def count(calls: QuerySet[ToolCall]) -> Count:
    """Return how many there are."""
    return Count(calls.order_by()[:MOST].count())


def _pending() -> QuerySet[ToolCall]:
    return ToolCall.objects.filter(status=Status.PENDING).order_by(*ORDER)


def _away(user: User) -> Away:
    return [(one, visibility.group_names(one)) for one in delegations.acting_for(user)]


def _mine(user: User, groups: Collection[str], away: Away) -> Q:
    """Return the condition that nothing speaks against the person, and a place is open to them."""
    if not principals.is_person(user):
        return Q(pk__in=[])
    open_to = Q(asked_key__in=audience.keys_of(groups))
    for one, theirs in away:
        if principals.is_person(one):
            open_to |= Q(asked_key__in=audience.keys_of(theirs)) & _nothing_against(one)
    return Q(expires_at__gt=clock.now()) & open_to & _nothing_against(user)


def _nothing_against(person: User) -> Q:
    """Return the condition that it is not the person's own request, and they have neither written nor answered it."""
    accounts = principals.accounts_of(person)
    own = Q(requester__in=accounts) | Q(agent__in=principals.agents_of(accounts))
    untouched = ~Exists(_answers(accounts)) & (Q(revision=1) | ~Exists(_texts(accounts)))
    return (Q(allow_self=True) | ~own) & untouched


def _answers(accounts: Collection[UUID]) -> QuerySet[Decision]:
    theirs = Q(person__in=accounts) | Q(on_behalf_of__in=accounts)
    return Decision.objects.filter(theirs, call=OuterRef("pk"), round=OuterRef("round"))


def _texts(accounts: Collection[UUID]) -> QuerySet[ToolCallRevision]:
    """Return what they wrote of the arguments as they are now; the first revision is the agent's."""
    now = Q(number=OuterRef("revision")) | Q(digest=OuterRef("arguments_digest"))
    return ToolCallRevision.objects.filter(now, call=OuterRef("pk"), author__in=accounts)


def _visible(sight: Sight) -> Q:
    """Return the condition that the person may see the run of a waiting call: what the call itself says comes first."""
    if sight.sees_all:
        return Q()
    if not sight.user.is_active:
        return Q(pk__in=[])
    asked = RunGroup.objects.filter(run=OuterRef("run"), name__in=sight.asked_as)
    own = Q(requester=sight.user.pk) | Q(agent__in=visibility.agents_of(sight.user))
    told = Q(asked_key__in=audience.keys_of(sight.asked_as)) | own | Q(Exists(asked))
    return told | Q(agent=None) & Q(Exists(visibility.runs_in(sight).filter(pk=OuterRef("run"))))
