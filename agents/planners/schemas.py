"""Tools as the model sees them: the same schema with one more required property, the reason for the call."""

from collections.abc import Mapping
from typing import Any

from agents.planners.base import ToolSpec
from agents.planners.names import to_model
from agents.planners.wire import Node

REASON = {
    "type": "string",
    "minLength": 1,
    "description": "Why you want this call, in one or two sentences, for the person who will approve or reject it.",
}


def reason_key(schema: Mapping[str, Any]) -> str:
    """Return the property that carries the reason: `reason`, unless the tool has an argument of that name."""
    taken = schema.get("properties", {})
    key = "reason"
    while key in taken:
        key = f"m1_{key}"
    return key


def for_model(tool: ToolSpec) -> dict[str, Any]:
    """Return the tool as the Messages API wants it; the reason comes first, so that it is thought of first."""
    key = reason_key(tool.schema)
    schema = {
        **tool.schema,
        "type": "object",
        "properties": {key: REASON, **tool.schema.get("properties", {})},
        "required": [key, *tool.schema.get("required", [])],
    }
    return {"name": to_model(tool.name), "description": tool.description, "input_schema": schema}


def split_reason(arguments: Node, key: str) -> tuple[bytes, str]:
    """Return the arguments without the reason, as written, and the reason.

    Whatever is malformed stays whole, for the policy check to deny: arguments that are no object, a reason that is
    missing, given twice or no string. The reason is "" then.
    """
    members = arguments.members() if arguments.is_object else []
    reasons = [member.value.string() for member in members if member.key == key]
    if len(reasons) != 1 or reasons[0] is None:
        return arguments.source.encode(), ""
    kept = ",".join(member.source for member in members if member.key != key)
    return f"{{{kept}}}".encode(), reasons[0]
