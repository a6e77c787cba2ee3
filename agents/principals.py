"""Whose request a call is: those people never decide about it, under whatever account."""

from collections.abc import Collection
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Q, QuerySet

from agents.models import Agent, AgentRun, ToolCall
from agents.visibility import User
from audit.once import once_a_page
from audit.prepared import prepared


def is_own(call: ToolCall, user: User) -> bool:
    """Tell whether the call is the person's own request: its requester's, the agent's owner's or account's, or that of
    one for whom the agent acts. A second account with the same e-mail is the same person.
    """
    address = identity(user)  # the key, where there is no address
    return any(user.pk == one.pk or address == identity(one) for one in behind(*keys_of(call.run)))


def keys_of(run: AgentRun) -> tuple[UUID, UUID, UUID, UUID]:
    """Return what `behind` asks about a run."""
    agent = run.agent
    return run.requester_id, agent.owner_id, agent.service_account_id or agent.owner_id, agent.pk


@prepared(UUID, UUID, UUID, UUID)
def behind(requester: UUID, owner: UUID, account: UUID, agent_id: UUID) -> QuerySet[AbstractUser]:
    """Say the accounts that stand behind a run: requester, agent's owner and account, whom the agent acts for."""
    named = Q(pk__in=[requester, owner, account])
    acts_for = Agent.acts_for.through.objects.filter(agent=agent_id).values("user")
    return get_user_model().objects.filter(named | Q(pk__in=acts_for)).only("pk", "email")


def identity(user: User) -> str:
    """Return what two accounts of one person have in common: the e-mail address; else the account by itself."""
    address = str(getattr(user, "email", "")).strip().lower()
    return address if "@" in address else str(user.pk)


def own_calls(user: User) -> Q:
    """Return the condition on tool calls that they are the person's own requests."""
    accounts = accounts_of(user)
    return Q(run__requester__in=accounts) | Q(run__agent__in=agents_of(accounts))


@once_a_page(lambda user: user.pk)
def accounts_of(user: User) -> list[UUID]:
    """Return the keys of all accounts of the person."""
    if user.pk is None or "@" not in (address := identity(user)):
        return [user.pk] if user.pk else []
    same = get_user_model().objects.filter(Q(pk=user.pk) | Q(email__iexact=address))
    return list(same.values_list("pk", flat=True))


@once_a_page(lambda accounts: frozenset(accounts))
def agents_of(accounts: Collection[UUID]) -> list[UUID]:
    """Return the keys of the agents behind which any of the accounts stands, whoever asked for the run."""
    behind = Q(owner__in=accounts) | Q(service_account__in=accounts) | Q(acts_for__in=accounts)
    return list(Agent.objects.filter(behind).values_list("pk", flat=True).distinct())


def is_person(user: User) -> bool:
    """Tell whether this is an active person: service accounts never decide, whatever groups they are in."""
    return bool(user.is_authenticated and user.is_active and getattr(user, "is_person", False))
