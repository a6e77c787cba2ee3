"""The conversation as the Messages API wants to hear it again: append-only, every earlier byte as it was.

Thinking blocks are bound to everything before them, so history is spliced from the stored JSON and never printed anew.
"""

from collections.abc import Iterator

from agents.planners import reading
from agents.planners.base import CallOutcome, Conversation, PlannerError
from agents.planners.wire import dump, readable

# Characters of a result, and of a person's note, that the model is shown; more is cut, and the cut is marked.
OUTPUT_LIMIT = 50_000
NOTE_LIMIT = 4_000

HEADINGS = {
    "succeeded": "",
    "failed": "The tool ran and failed.",
    "denied": "Not executed: policy denied this call.",
    "rejected": "Not executed: a person rejected this call.",
    "expired": "Not executed: nobody decided in time and the request expired. Nobody rejected it.",
    "cancelled": "Cancelled: this call was stopped before it finished.",
}
_SETTLED = "The worker was lost while this call ran. A person looked afterwards and recorded that it {status}."


def messages(conversation: Conversation, request: str) -> str:
    """Return the whole `messages` array as JSON: the stored turns, then the request, unless it is ""."""
    return f"[{','.join(_messages(conversation, request))}]"


def next_request(conversation: Conversation) -> str:
    """Return the content of the user message to send next, as JSON; "" if a paused reply is to be continued.

    Raises PlannerError if the last turn does not go on, or if the outcomes are not exactly those of its calls.
    """
    if not conversation.turns:
        return dump([{"type": "text", "text": readable(conversation.goal)}])
    last = conversation.turns[-1].reply
    stop_reason = reading.stop_reason_of(last)
    if stop_reason == "pause_turn":
        return ""
    if stop_reason != "tool_use":
        raise PlannerError(problem=f"the last turn ended with {stop_reason!r}, so there is nothing to go on with.")
    return _results(reading.use_ids_of(last), conversation.outcomes)


def _messages(conversation: Conversation, request: str) -> Iterator[str]:
    for turn in conversation.turns:
        if turn.request:
            yield _message("user", turn.request)
        yield _message("assistant", reading.content_of(turn.reply))
    if request:
        yield _message("user", request)


def _message(role: str, content: str) -> str:
    return f'{{"role":"{role}","content":{content}}}'


def _results(ids: tuple[str, ...], outcomes: tuple[CallOutcome, ...]) -> str:
    """Return the one message that answers all calls of a turn, in their order, with nothing else in it."""
    by_id = {outcome.tool_use_id: outcome for outcome in outcomes}
    if len(by_id) != len(outcomes) or set(by_id) != set(ids):
        raise PlannerError(problem="the outcomes are not exactly those of the calls of the last turn.")
    return dump([_result(by_id[use_id]) for use_id in ids])


def _result(outcome: CallOutcome) -> dict[str, object]:
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": outcome.tool_use_id, "content": tell(outcome)}
    if outcome.is_error or outcome.status != "succeeded":
        block["is_error"] = True
    return block


def tell(outcome: CallOutcome) -> str:
    """Return what the model is told about a call: what happened, a person's words about it, the output.

    Raises PlannerError for a call that has not come to rest.
    """
    if outcome.status not in HEADINGS:
        raise PlannerError(problem=f"a call is still {outcome.status}; it must come to rest before the run goes on.")
    heading = _SETTLED.format(status=outcome.status) if outcome.settled else HEADINGS[outcome.status]
    label = "Reason" if outcome.status in ("denied", "rejected") else "Note"
    note = f"{label}: {readable(outcome.note, NOTE_LIMIT)}" if outcome.note else ""
    said = [heading, readable(outcome.edited, NOTE_LIMIT), note, readable(outcome.output, OUTPUT_LIMIT)]
    return "\n".join(filter(None, said)) or "(no output)"
