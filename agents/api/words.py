"""What an agent of somebody's own is told about a call: the same words as the model of an agent of M1's."""

from agents.approval import edits
from agents.models import ToolCall
from agents.planners import transcript
from agents.planners.base import CallOutcome
from agents.states import Status

EDITED = "A person changed the arguments before they were decided."
_OPEN = {
    Status.PENDING: "Waiting: people are asked about this call.",
    Status.APPROVED: "Approved by people; it has not run yet.",
    Status.EXECUTING: "It runs now.",
    Status.LOST: "The worker was lost while this call ran; a person will look and say how it ended.",
}
_SUPERSEDED = "Superseded: the approval given does not count any more, and people are asked again."
_RAN = "The tool ran."


def is_superseded(call: ToolCall) -> bool:
    """Tell whether people are asked once more about a call that they had approved; an edit alone is no such thing."""
    return call.status == Status.PENDING and call.round > call.revision


def told(call: ToolCall, *, may_read: bool) -> str:
    """Return what became of the call, in sentences that differ for every way in which it may end.

    may_read   whether the reader may know what people changed, and not only that they did
    """
    edited = edits.told(call)
    edited = edited if may_read or not edited else EDITED
    if call.status not in transcript.HEADINGS:
        heading = _SUPERSEDED if is_superseded(call) else _OPEN.get(Status(call.status), "")
        note = f"Note: {call.note}" if call.note else ""
        return "\n".join(filter(None, [heading, edited, note]))
    execution = getattr(call, "execution", None)
    return transcript.tell(
        CallOutcome(
            call.tool_use_id, call.tool_name, call.status, _RAN if call.status == Status.SUCCEEDED else "",
            call.status != Status.SUCCEEDED, call.note, bool(execution and execution.settled_by_id), edited,
        )
    )  # fmt: skip
