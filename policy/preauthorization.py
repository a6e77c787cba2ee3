"""Whether a pre-authorisation covers a call: its signed scope against the proposal, at use and again at the claim."""

from typing import Any

from policy import conditions, tokens
from policy.conditions import Error, Held
from policy.jwt import TokenRefusedError
from policy.leaves import Facts
from policy.models import ApprovalToken
from policy.proposal import Proposal


def why_not(row: ApprovalToken, proposal: Proposal, tool_digest: str) -> str:
    """Return "" if the token is valid and covers the proposal, else the sentence that says why it does not."""
    if row.kind != ApprovalToken.Kind.PREAUTHORIZATION:
        return "The token is no pre-authorisation."
    try:
        scope = tokens.verified(row).scope
    except TokenRefusedError as exc:
        return f"The pre-authorisation does not count: {exc.facts['reason']}."
    return _outside(scope, proposal, tool_digest)


def _outside(scope: dict[str, Any], proposal: Proposal, tool_digest: str) -> str:
    if proposal.agent not in scope["agents"]:
        return "The pre-authorisation is for other agents."
    if proposal.requester not in scope["requesters"]:
        return "The pre-authorisation is for other requesters."
    if proposal.tool not in scope["tools"]:
        return f"The pre-authorisation does not name {proposal.tool}."
    if tool_digest not in scope["tools"][proposal.tool]:
        return f"{proposal.tool} has changed since the pre-authorisation was given."
    facts = Facts.of(proposal)
    said = conditions.answer(conditions.parse(scope["when"]), facts)
    if isinstance(said, Error):
        return f"A condition of the pre-authorisation cannot be judged: {said.problem}."
    return "" if isinstance(said, Held) else "The arguments are outside the pre-authorisation's conditions."
