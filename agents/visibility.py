"""What a person may see: every list and look-up starts here, and for everyone else it does not exist."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from django.contrib.auth.models import AbstractUser, AnonymousUser, Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from agents.models import Agent, AgentRun, Delegation, RunGroup, ToolCall
from audit import clock
from audit.once import once_a_page
from audit.prepared import prepared

BREAK_GLASS = "break-glass"
SEE_ALL_GROUPS = ("auditor", "operator", "administrator", BREAK_GLASS)
User: TypeAlias = AbstractUser | AnonymousUser


@once_a_page(lambda user: user.pk)
def group_names(user: User) -> frozenset[str]:
    """Return the names of the groups that a person is in now."""
    if isinstance(user, AnonymousUser):
        return frozenset()
    return frozenset(names_of_groups(user.pk)) if user.pk else frozenset()


@prepared(UUID)
def names_of_groups(user_id: UUID) -> QuerySet[Group, str]:
    """Say the names of the groups that an account is in."""
    return Group.objects.filter(user=user_id).values_list("name", flat=True)


@dataclass(frozen=True, slots=True)
class Sight:
    """What decides about what a person sees, looked up once for a whole page.

    groups     in which they are
    asked_as   the groups by which they see what those are asked about: their own, and those of whom they stand in for
    sees_all   whether they oversee M1: nothing is hidden from them but bodies
    """

    user: User
    groups: frozenset[str]
    asked_as: frozenset[str]
    sees_all: bool


def sight_of(user: User, stood_in_for: frozenset[str] | None = None) -> Sight:
    """Return what decides about what a person sees now.

    stood_in_for   the groups of those for whom they stand in, where they have been looked up already
    """
    if not user.is_authenticated or not user.is_active:
        return Sight(user, frozenset(), frozenset(), sees_all=False)
    groups = group_names(user)
    sees_all = bool(user.is_superuser) or not groups.isdisjoint(SEE_ALL_GROUPS)
    if stood_in_for is None:
        stood_in_for = frozenset() if sees_all else _stood_in_for(user)
    return Sight(user, groups, groups | stood_in_for, sees_all)


def runs_visible_to(user: User) -> QuerySet[AgentRun]:
    """Return the runs of the requester, of the agent's owner, of those who are asked, and of those who oversee."""
    return runs_in(sight_of(user))


def runs_in(sight: Sight) -> QuerySet[AgentRun]:
    """Return the runs that are in somebody's sight."""
    user = sight.user
    if not user.is_authenticated or not user.is_active:
        return AgentRun.objects.none()
    if sight.sees_all:
        return AgentRun.objects.all()
    asked = RunGroup.objects.filter(run=OuterRef("pk"), name__in=sight.asked_as)
    own = Q(requester=user) | Q(agent__owner=user) | Q(agent__service_account=user)
    return AgentRun.objects.filter(own | Q(Exists(asked)))


def calls_visible_to(user: User) -> QuerySet[ToolCall]:
    """Return the calls of the runs that the person may see."""
    return calls_in(sight_of(user))


def calls_in(sight: Sight) -> QuerySet[ToolCall]:
    """Return the calls of the runs that are in somebody's sight."""
    if sight.sees_all:
        return ToolCall.objects.all()
    return ToolCall.objects.filter(Exists(runs_in(sight).filter(pk=OuterRef("run"))))


@once_a_page(lambda user, call: (user.pk, call.pk))
def may_view_bodies(user: User, call: ToolCall) -> bool:
    """Tell whether a person may read arguments and results: by permission, by being asked, or as the agent itself."""
    if not user.is_authenticated or not user.is_active:
        return False
    if user.has_perm("agents.view_bodies") or user.pk == call.run.agent.service_account_id:
        return True
    asked = {group.name for one in call.requirements.all() for group in one.groups.all()}  # one look for a page
    return not asked.isdisjoint(_asked_as(user))


@once_a_page(lambda user: user.pk)
def agents_of(user: User) -> list[UUID]:
    """Return the keys of the agents that a person owns, or by which they propose: they see all of their runs."""
    own = Q(owner_id=user.pk) | Q(service_account_id=user.pk)
    return list(Agent.objects.filter(own).values_list("pk", flat=True))


def _asked_as(user: User) -> frozenset[str]:
    return group_names(user) | _stood_in_for(user)


@once_a_page(lambda user: user.pk)
def _stood_in_for(user: User) -> frozenset[str]:
    """Return the groups of those for whom the person stands in now."""
    return frozenset(_names_of_their_groups(user.pk, clock.now())) if user.pk else frozenset()


@prepared(UUID, datetime)
def _names_of_their_groups(user_id: UUID, now: datetime) -> QuerySet[Group, str]:
    away = Delegation.objects.filter(delegate_id=user_id, starts_at__lte=now, ends_at__gt=now, ended_at=None)
    theirs = Group.objects.filter(user__in=away.filter(person__is_active=True).values("person"))
    return theirs.values_list("name", flat=True)
