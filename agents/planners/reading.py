"""Read a reply of the Messages API, or of the scripted planner, which writes the same."""

import re

from agents.planners.base import Reply, RunConfig, Stop, ToolUse
from agents.planners.names import from_model
from agents.planners.schemas import reason_key, split_reason
from agents.planners.wire import Node, WireError, readable, string_field
from agents.pricing import price, usage_of

_STOPS = {
    "tool_use": Stop.CALLS,
    "end_turn": Stop.DONE,
    "stop_sequence": Stop.DONE,
    "max_tokens": Stop.TRUNCATED,
    "model_context_window_exceeded": Stop.TRUNCATED,
    "refusal": Stop.REFUSED,
    "pause_turn": Stop.PAUSED,
}

# Far above what a turn may ask for (more than that is denied call by call), and far below what would stop the planner.
MOST_USES = 256

# What identifies a call in the next request. Anthropic's are `toolu_...`; other servers write dots and colons, too.
_ID = re.compile(r"[\x21-\x7e]{1,128}")

# Characters of text that a person is shown, twice what a model can write in one turn; the reply is stored whole.
TEXT_LIMIT = 200_000

Block = dict[str, Node]


def read(body: str, *, request: str, config: RunConfig) -> Reply:
    """Return the reply that a body holds. Only the stop reason `tool_use` makes proposals.

    Raises WireError if the body is no message at all. How it was delivered is for the caller to fill in.
    """
    message = _message(body)
    blocks = [block.fields() for block in message["content"].items()]
    stop_reason = readable(string_field(message, "stop_reason"))
    stop, problem = _judge(stop_reason, [block for block in blocks if string_field(block, "type") == "tool_use"])
    model = readable(string_field(message, "model")) or config.model
    return Reply(
        stop=stop,
        stop_reason=stop_reason,
        text=_text(message, blocks),
        request=request,
        reply=body,
        uses=tuple(_use(block, config) for block in _asked(blocks)) if stop is Stop.CALLS else (),
        model=model,
        message_id=readable(string_field(message, "id")),
        provider_request_id="",
        retries=0,
        usage=usage_of(body),
        cost=price(model, body),
        latency_ms=0,
        scripted=False,
        problem=problem,
    )


def content_of(body: str) -> str:
    """Return the content of a reply as it was written, to be sent back."""
    return _message(body)["content"].source


def stop_reason_of(body: str) -> str:
    """Return the stop reason of a reply, as its provider said it."""
    return string_field(_message(body), "stop_reason")


def use_ids_of(body: str) -> tuple[str, ...]:
    """Return the ids of the calls that a reply asked for, in order; each wants one result."""
    blocks = [block.fields() for block in _message(body)["content"].items()]
    return tuple(string_field(block, "id") for block in _asked(blocks))


def _message(body: str) -> dict[str, Node]:
    message = Node.parse(body).fields()
    if string_field(message, "type") != "message" or "content" not in message:
        raise WireError("not a message with content")
    return message


def _asked(blocks: list[Block]) -> list[Block]:
    return [block for block in blocks if string_field(block, "type") == "tool_use"]


def _judge(stop_reason: str, asked: list[Block]) -> tuple[Stop, str]:
    """Return what the stop means, and the problem if it means that the reply cannot be used."""
    stop = _STOPS.get(stop_reason)
    ids = [string_field(block, "id") for block in asked]
    if stop is None:
        return Stop.FAILED, f"M1 does not know the stop reason {stop_reason!r}."
    if stop is Stop.DONE and asked:
        return Stop.FAILED, f"The model asked for tool calls but stopped with {stop_reason!r}; none was proposed."
    if stop is Stop.CALLS and not asked:
        return Stop.FAILED, "The model stopped for tool calls but asked for none."
    if stop is Stop.CALLS and len(asked) > MOST_USES:
        return Stop.FAILED, f"The model asked for {len(asked)} tool calls in one turn, so that none was proposed."
    if stop is Stop.CALLS and not all(map(_ID.fullmatch, ids)):
        return Stop.FAILED, "A tool call has no usable id, so that its result could not be told to the model."
    if stop is Stop.CALLS and len(set(ids)) != len(ids):
        return Stop.FAILED, "Two tool calls have the same id, so that their results could not be told apart."
    return stop, ""


def _use(block: Block, config: RunConfig) -> ToolUse:
    """Return the proposal in a tool_use block; without `input` its arguments are empty bytes, which no check passes."""
    name = from_model(readable(string_field(block, "name")), config.tools)
    schema = next((tool.schema for tool in config.tools if tool.name == name), {})
    arguments, reason = split_reason(block["input"], reason_key(schema)) if "input" in block else (b"", "")
    return ToolUse(id=string_field(block, "id"), tool=name, arguments=arguments, reason=readable(reason))


def _text(message: Block, blocks: list[Block]) -> str:
    """Return what a person reads: summarised thinking and text in their order, and why the model refused."""
    parts = [string_field(block, string_field(block, "type")) for block in blocks if _is_prose(block)]
    details = message.get("stop_details")
    if details is not None and details.is_object:
        why = details.fields()
        parts.append(": ".join(filter(None, [string_field(why, "category"), string_field(why, "explanation")])))
    return readable("\n\n".join(filter(None, parts)), TEXT_LIMIT)


def _is_prose(block: Block) -> bool:
    return string_field(block, "type") in ("text", "thinking")
