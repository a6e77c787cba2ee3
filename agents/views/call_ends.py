"""How a call came to rest, in words: denied, rejected, expired and cancelled are four things, to everyone."""

from dataclasses import dataclass

from agents.approval import blocks, pending_cap
from agents.models import ToolCall
from agents.states import Status
from policy.verdict import Outcome


@dataclass(frozen=True)
class Words:
    """A heading, and what it means for the one who reads it."""

    title: str
    meaning: str


def words(call: ToolCall, *, is_requester: bool) -> Words:
    """Return what a call's end means to its requester, or to those who decide."""
    match call.status:
        case Status.DENIED:
            return _denied(call)
        case Status.REJECTED:
            return _rejected(is_requester)
        case Status.EXPIRED:
            return _expired(call, is_requester)
        case Status.CANCELLED:
            return _cancelled(call)
        case Status.FAILED if not hasattr(call, "execution"):
            return Words("Approved, but not run", "Something on M1's side kept it from being begun. Tell the operator.")
    return Words("Decided", "")


def codes(call: ToolCall) -> frozenset[str]:
    """Return the codes of the verdict that the call stands on."""
    reasons = call.check_row.verdict.get("reasons", []) if call.check_row else []
    return frozenset(reason["code"] for reason in reasons)


def _denied(call: ToolCall) -> Words:
    found = codes(call)
    if pending_cap.CODE in found:
        return Words("Too many are waiting", "Nobody was asked, and nobody said no. The agent may ask again later.")
    if blocks.CODE in found:
        return Words("Rejected before", "A person rejected exactly this in this run, so nobody was asked again.")
    if call.approved_at:
        return Words("Denied at the last check", "People had approved it; M1 denied it before the tool ran.")
    if call.check_row and call.check_row.outcome != Outcome.DENIED:
        return Words("Denied meanwhile", "People were asked, and what they were asked about went away. Nothing ran.")
    return Words("Denied by policy", "Nobody was asked, and nobody can approve it.")


def _rejected(is_requester: bool) -> Words:
    if is_requester:
        return Words("Decided", "A person said no; their words went to your agent as its answer. Nothing ran.")
    return Words("Decided", "A person said no. Nothing ran.")


def _expired(call: ToolCall, is_requester: bool) -> Words:
    if call.approved_at:
        return Words("Approved, but too late", "It was approved, and no executor took it in time. Nothing ran.")
    whose = "Your agent" if is_requester else "The agent"
    return Words("Nobody decided in time", f"This is no rejection: nobody said no. {whose} may ask again.")


def _cancelled(call: ToolCall) -> Words:
    if hasattr(call, "execution"):
        return Words("Stopped while it ran", "The tool was stopped. What it had done by then stays done.")
    return Words("Cancelled", "It was withdrawn together with its run. Nobody said no, and nothing ran.")
