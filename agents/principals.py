"""Whose request a call is: those people never decide about it, under whatever account."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Q, QuerySet

from agents.models import AgentRun, ToolCall
from agents.visibility import User


def of(run: AgentRun) -> QuerySet[AbstractUser]:
    """Return the accounts that stand behind a run: requester, agent's owner and account, whom the agent acts for."""
    agent = run.agent
    named = Q(pk__in=[run.requester_id, agent.owner_id, agent.service_account_id])
    return get_user_model().objects.filter(named | Q(pk__in=agent.acts_for.values("pk")))


def is_own(call: ToolCall, user: User) -> bool:
    """Tell whether the call is the person's own request. A second account with the same e-mail is the same person."""
    behind = of(call.run)
    if behind.filter(pk=user.pk).exists():
        return True
    address = identity(user)
    return "@" in address and any(address == identity(one) for one in behind.only("pk", "email"))


def identity(user: User) -> str:
    """Return what two accounts of one person have in common: the e-mail address; else the account by itself."""
    address = str(getattr(user, "email", "")).strip().lower()
    return address if "@" in address else str(user.pk)


def own_calls(user: User) -> Q:
    """Return the condition on tool calls that they are the person's own requests."""
    own = Q(run__requester_id=user.pk) | Q(run__agent__owner_id=user.pk) | Q(run__agent__service_account_id=user.pk)
    own |= Q(run__agent__acts_for=user.pk)
    if "@" in (address := identity(user)):
        for path in ("run__requester", "run__agent__owner", "run__agent__service_account", "run__agent__acts_for"):
            own |= Q(**{f"{path}__email__iexact": address})
    return Q(pk__in=ToolCall.objects.filter(own).values("pk"))
