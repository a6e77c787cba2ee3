"""What people do about a call that was let go: who may stop it, and who may say how a lost one ended."""

from agents import principals
from agents.models import ToolCall
from agents.states import Status
from agents.visibility import User

STOPPABLE = (Status.APPROVED, Status.EXECUTING)
_NO_STOP = {
    Status.PENDING: "nobody has let it go yet: reject it, or cancel its run.",
    Status.LOST: "nobody knows whether it runs: look, and settle it.",
}


def why_not_settle(call: ToolCall, user: User) -> str:
    """Return "" if the person may say how the call ended should it be lost, else why not."""
    if not principals.is_person(user) or principals.is_own(call, user):
        return "Only people settle calls, and nobody those of their own requests."
    return ""


def why_not_stop(call: ToolCall) -> str:
    """Return "" if whoever sees the call may stop it now, else why nobody can."""
    if call.status in STOPPABLE:
        return ""
    return _NO_STOP.get(Status(call.status), f"the call is {call.status}; nothing of it runs.")
