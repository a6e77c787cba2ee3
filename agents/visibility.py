"""What a person may see: every list and look-up starts here, and for everyone else it does not exist."""

from typing import TypeAlias

from django.contrib.auth.models import AbstractUser, AnonymousUser, Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from agents.models import AgentRun, Delegation, RequirementGroup, ToolCall
from audit import clock

BREAK_GLASS = "break-glass"
SEE_ALL_GROUPS = ("auditor", "operator", "administrator", BREAK_GLASS)
User: TypeAlias = AbstractUser | AnonymousUser


def group_names(user: User) -> frozenset[str]:
    """Return the names of the groups that a person is in now."""
    if isinstance(user, AnonymousUser):
        return frozenset()
    return frozenset(user.groups.values_list("name", flat=True))


def runs_visible_to(user: User) -> QuerySet[AgentRun]:
    """Return the runs of the requester, of the agent's owner, of those who are asked, and of those who oversee."""
    if not user.is_authenticated or not user.is_active:
        return AgentRun.objects.none()
    if _sees_all(user):
        return AgentRun.objects.all()
    asked = RequirementGroup.objects.filter(requirement__call__run=OuterRef("pk"), name__in=_asked_as(user))
    own = Q(requester=user) | Q(agent__owner=user) | Q(agent__service_account=user)
    return AgentRun.objects.filter(own | Q(Exists(asked)))


def calls_visible_to(user: User) -> QuerySet[ToolCall]:
    """Return the calls of the runs that the person may see."""
    if user.is_authenticated and user.is_active and _sees_all(user):
        return ToolCall.objects.all()
    return ToolCall.objects.filter(run__in=runs_visible_to(user))


def may_view_bodies(user: User, call: ToolCall) -> bool:
    """Tell whether a person may read arguments and results: by permission, by being asked, or as the agent itself."""
    if not user.is_authenticated or not user.is_active:
        return False
    if user.has_perm("agents.view_bodies") or user.pk == call.run.agent.service_account_id:
        return True
    return call.requirements.filter(groups__name__in=_asked_as(user)).exists()


def _asked_as(user: User) -> frozenset[str]:
    """Return the groups in whose name a person may be asked: their own, and those of whom they stand in for."""
    now = clock.now()
    away = Delegation.objects.filter(delegate_id=user.pk, starts_at__lte=now, ends_at__gt=now, ended_at=None)
    theirs = Group.objects.filter(user__in=away.filter(person__is_active=True).values("person"))
    return group_names(user) | frozenset(theirs.values_list("name", flat=True))


def _sees_all(user: User) -> bool:
    return bool(user.is_superuser) or not group_names(user).isdisjoint(SEE_ALL_GROUPS)
