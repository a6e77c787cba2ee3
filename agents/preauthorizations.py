"""Yeses given ahead of time: who may give one, for which agents, and which a run may name."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from agents.errors import AgentsError, NotFoundError
from agents.models import Agent
from audit import clock
from policy import tokens
from policy.models import ApprovalToken
from policy.reading import wrong
from policy.scope_words import scope_of
from policy.token_state import State, state_of

MAY_ISSUE = "policy.add_approvaltoken"
ENDED = {State.REVOKED: "it was revoked", State.USED: "it has no uses left", State.EXPIRED: "it has expired"}


class PreauthorizationEndedError(AgentsError):
    """The pre-authorisation has ended: {why}. Begin the run without it, or ask for a new one."""

    code = "preauthorization_ended"
    http_status = 409


class MayNotIssueError(AgentsError):
    """You may not give pre-authorisations: only people do, and an administrator lets them."""

    code = "permission_denied"
    http_status = 403


def may_issue(person: AbstractUser) -> bool:
    """Tell whether somebody may say yes ahead of time at all."""
    return bool(person.is_active and getattr(person, "is_person", False) and person.has_perm(MAY_ISSUE))


def issue(*, person: AbstractUser, agents: Sequence[str], **facts: Any) -> ApprovalToken:
    """Sign a yes ahead of time, with what `policy.tokens.issue_preauthorization` takes.

    agents   names of agents there are
    Raises MayNotIssueError, FieldError, CannotSignError.
    """
    if not may_issue(person):
        raise MayNotIssueError()
    known = frozenset(Agent.objects.filter(name__in=agents).values_list("name", flat=True))
    for name in agents:
        if name not in known:
            raise wrong(("agents",), f"names {name[:60]!a}, and there is no such agent")
    return tokens.issue_preauthorization(person=person, agents=agents, **facts)


def refuse_unusable(jti: UUID, *, agent: Agent, requester: AbstractUser) -> None:
    """Raise NotFoundError unless it names agent and requester, PreauthorizationEndedError where it did too long ago."""
    token = ApprovalToken.objects.filter(jti=jti, kind=ApprovalToken.Kind.PREAUTHORIZATION).defer("token").first()
    scope = scope_of(token) if token else {}
    is_theirs = agent.name in scope.get("agents", ()) and requester.get_username() in scope.get("requesters", ())
    if token is None or not is_theirs:
        raise NotFoundError(thing="pre-authorisation for this agent and requester")
    if why := ENDED.get(state_of(token, clock.now())):
        raise PreauthorizationEndedError(why=why)
