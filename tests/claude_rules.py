"""The rules by which the Messages API refuses a request, for the loopback server. Written from its documentation."""

import json
import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_REMOVED = ("temperature", "top_p", "top_k")


def broken_rule(request: Json) -> str | None:
    """Return the first rule of shape that a request breaks, in the API's manner of speaking; None if it is fine."""
    for name in ("model", "max_tokens", "messages"):
        if name not in request:
            return f"{name}: Field required"
    for name in _REMOVED:
        if name in request:
            return f"{name}: Extra inputs are not permitted"
    if request.get("tool_choice", {"type": "auto"})["type"] != "auto":
        return "tool_choice: forced tool use is not supported by this model"
    return _broken_tool(request.get("tools", [])) or _broken_pairing(request["messages"])


def _broken_tool(tools: list[Json]) -> str | None:
    for index, tool in enumerate(tools):
        if tool.get("type", "custom") != "custom":
            return f"tools.{index}: a server tool would run outside M1"
        if not _TOOL_NAME.fullmatch(tool["name"]):
            return f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
        if tool.get("input_schema", {}).get("type") != "object":
            return f"tools.{index}.custom.input_schema.type: Input should be 'object'"
    names = [tool["name"] for tool in tools]
    return "tools: Tool names must be unique." if len(set(names)) != len(names) else None


def _broken_pairing(messages: list[Json]) -> str | None:
    """Every tool_use is answered in the next message, by one result each, results first; and no result is made up."""
    if not messages or messages[0]["role"] != "user":
        return "messages: first message must use the user role"
    open_ids: list[str] = []
    for index, message in enumerate(messages):
        blocks = message["content"] if isinstance(message["content"], list) else []
        if not message["content"]:
            return f"messages.{index}: content must not be empty"
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(answered) != sorted(open_ids):
            return f"messages.{index}: `tool_use` ids {open_ids} need exactly one `tool_result` each, not {answered}"
        if any(block["type"] != "tool_result" for block in blocks[: len(answered)]):
            return f"messages.{index}: `tool_result` blocks must come first"
        open_ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return f"messages: `tool_use` ids {open_ids} without `tool_result`" if open_ids else None


def broken_binding(request: Json, issued: Mapping[str, Json]) -> str | None:
    """Return how a request departs from the conversation that its assistant turns came from.

    issued   the request that each content was an answer to, by that content as `key` writes it
    A thinking block is bound to everything before it: model, system prompt, tools and all earlier messages.
    """
    for index, message in enumerate(request["messages"]):
        if message["role"] != "assistant":
            continue
        origin = issued.get(key(message["content"]))
        if origin is None:
            return f"messages.{index}: prefix_binding_mismatch, the content was not issued by this server"
        before = {**request, "messages": request["messages"][:index]}
        changed = [name for name in sorted(before | origin) if key(before.get(name)) != key(origin.get(name))]
        if changed:
            return f"messages.{index}: prefix_binding_mismatch, {', '.join(changed)} changed since"
    return None


def key(value: Any) -> str:
    """Return JSON in which equal values are equal texts; 1 and 1.0 are not, and order counts."""
    return json.dumps(value)
