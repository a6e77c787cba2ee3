"""What allows a call to run, checked at the claim: the people who said yes, and a token that proves it."""

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from agents import quorum, rounds
from agents.models import Decision, ToolCall
from agents.tool_calls import token_scope
from policy import preauthorization, tokens
from policy.check import Checked
from policy.jwt import TokenRefusedError
from policy.models import ApprovalToken, PreauthorizationUse


@dataclass(frozen=True, slots=True)
class Warrant:
    """The token that allows the call, and the people who stand behind it."""

    token: ApprovalToken
    people: AbstractSet[object]

    def consume(self, actor: str) -> None:
        """Use an execution token up; a pre-authorisation was counted when it was used."""
        if self.token.kind == ApprovalToken.Kind.EXECUTION:
            tokens.consume(self.token, actor=actor)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the call may not run on what was given; `is_attack`: nothing honest leads there."""

    why: str
    is_attack: bool = False


def warrant(call: ToolCall, checked: Checked) -> Warrant | Refused:
    """Return what allows the call under the verdict now in force, or why nothing does."""
    verdict = checked.verdict
    call.allow_self = call.allow_self and verdict.allow_self
    voters = rounds.voters(call)
    ahead = call.decisions.filter(round=call.round, kind=Decision.Kind.PREAUTHORIZATION).select_related("token").first()
    if ahead and (why := _why_ahead_fails(call, checked, ahead)):
        return Refused(why)
    if verdict.sign_in_minutes is not None and verdict.sign_in_minutes < (call.sign_in_minutes or math.inf):
        return Refused("The policy asks for a more recent sign-in than it did when people said yes.")
    if not quorum.is_met(rounds.requirements(call), voters) or not quorum.is_met(verdict.requirements, voters):
        return Refused(
            "The approvals given do not satisfy the policy any more: it is tighter, or someone lost standing."
        )
    return _token(call, ahead, voters.keys())


def _token(call: ToolCall, ahead: Decision | None, people: AbstractSet[object]) -> Warrant | Refused:
    row = ApprovalToken.objects.filter(kind=ApprovalToken.Kind.EXECUTION, request_id=call.pk, round=call.round).first()
    if row is None and ahead and ahead.token and people == {ahead.person_id}:  # a second vote comes with a token
        return Warrant(ahead.token, people)
    if row is None:
        return Refused("No execution token was signed for this approval.", is_attack=True)
    if row.used_at is not None:
        return Refused("The execution token was used.", is_attack=True)
    try:
        claims = tokens.verified(row)
    except TokenRefusedError as exc:
        reason = str(exc.facts["reason"])
        is_late = reason in ("it has expired", "it was revoked")
        return Refused(f"The execution token does not count: {reason}.", is_attack=not is_late)
    if claims.scope != token_scope(call) or claims.person_id not in people:
        return Refused("The execution token is for something else.", is_attack=True)
    return Warrant(row, people)


def _why_ahead_fails(call: ToolCall, checked: Checked, ahead: Decision) -> str:
    if not checked.verdict.preauthorization:
        return "The policy does not accept a pre-authorisation for this any more."
    if not PreauthorizationUse.objects.filter(token=ahead.token, request_id=call.pk, round=call.round).exists():
        return "The use of the pre-authorisation was never counted."
    if ahead.token is None or checked.proposal is None or checked.version is None:
        return "There is no pre-authorisation."
    if ahead.token.person_id != ahead.person_id:
        return "Someone else gave the pre-authorisation."
    return preauthorization.why_not(ahead.token, checked.proposal, checked.version.digest)
