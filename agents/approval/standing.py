"""What allows a call to run, checked at the claim: the people who said yes, and a token that proves it."""

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from agents.approval import quorum, rounds
from agents.models import Decision, ToolCall
from agents.passing import token_scope
from audit import canonical
from audit.prepared import prepared
from policy import preauthorization, tokens
from policy.check import Checked
from policy.jwt import TokenLapsedError, TokenRefusedError
from policy.models import ApprovalToken, PreauthorizationUse
from policy.verdict import Verdict


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
    answers = rounds.given(call)
    yeses = rounds.yeses(call, answers)
    ahead = next((row for row in answers if row.kind == Decision.Kind.PREAUTHORIZATION), None)
    if yeses.broke_glass:  # in place of everybody, whatever has become of them
        ahead = None
    if ahead and (why := _why_ahead_fails(call, checked, ahead)):
        return Refused(why)
    if verdict.sign_in_minutes is not None and verdict.sign_in_minutes < (call.sign_in_minutes or math.inf):
        return Refused("The policy asks for a more recent sign-in than it did when people said yes.")
    if not (yeses.broke_glass or _is_enough(call, verdict, yeses)):
        return Refused(
            "The approvals given do not satisfy the policy any more: it is tighter, or someone lost standing."
        )
    return _token(call, ahead, yeses.people, {row.person_id for row in answers})


def _is_enough(call: ToolCall, verdict: Verdict, yeses: rounds.Yeses) -> bool:
    """Tell whether the people satisfy what the round asked, and what the policy asks by now."""
    now = verdict.escalated() if call.escalated_at else verdict.requirements
    return quorum.is_met(rounds.requirements(call), yeses.groups) and quorum.is_met(now, yeses.groups)


def _token(
    call: ToolCall, ahead: Decision | None, people: AbstractSet[object], answered: AbstractSet[object]
) -> Warrant | Refused:
    row = next(iter(tokens_of(call.pk, call.round)), None)
    if row is None and ahead and ahead.token and people == {ahead.person_id}:  # a second vote comes with a token
        return Warrant(ahead.token, people)
    if row is None:
        return Refused("No execution token was signed for this approval.", is_attack=True)
    if row.used_at is not None:
        return Refused("The execution token was used.", is_attack=True)
    try:
        claims = tokens.verified(row)
    except TokenRefusedError as exc:
        why = f"The execution token does not count: {exc.facts['reason']}."
        return Refused(why, is_attack=not isinstance(exc, TokenLapsedError))
    if canonical.encode(claims.scope) != canonical.encode(token_scope(call)) or claims.person_id not in answered:
        return Refused("The execution token is for something else.", is_attack=True)
    if claims.person_id not in people:
        return Refused("The person whose yes was the last one lost standing.")
    return Warrant(row, people)


@prepared(UUID, int)
def tokens_of(request_id: UUID, round_: int) -> QuerySet[ApprovalToken]:
    """Say the execution tokens that were signed for a round of a call: one at most."""
    return ApprovalToken.objects.filter(kind=ApprovalToken.Kind.EXECUTION, request_id=request_id, round=round_)


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
