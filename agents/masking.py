"""What the model is told that a tool returned: sensitive fields by their size alone, and a cut that is marked."""

from collections.abc import Collection

from agents.models import Execution, ToolCall
from agents.planners.transcript import OUTPUT_LIMIT
from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error

LIMITS = canonical.Limits(bytes=16_777_216, keys=16_777_216)
CUT_CHARACTERS = OUTPUT_LIMIT - 200  # room for the words about the cut


def for_model(call: ToolCall) -> str:
    """Return the result of a call, or its error, as the model reads it; "" for a call that never ran."""
    execution: Execution | None = getattr(call, "execution", None)
    if execution is None:
        return ""
    if not execution.output:
        return execution.error
    names = sensitive_results(call)
    text = _hidden(execution, names) if names else execution.output
    return text if len(text) <= OUTPUT_LIMIT else _cut(text, execution, "" if names else execution.output_digest)


def sensitive_results(call: ToolCall) -> frozenset[str]:
    """Return the names of the fields whose values neither the model nor a client of REST reads."""
    return frozenset(call.tool_version.declared.get("sensitive_results", ())) if call.tool_version else frozenset()


def masked(data: bytes, names: Collection[str]) -> JSON:
    """Return a result with the value of every field of these names, however deep, replaced by its size in bytes.

    What has no fields is replaced as a whole, unless there are no names; null for what is no JSON.
    """
    try:
        value = canonical.parse(data, limits=LIMITS)
    except M1Error:
        return None
    if names and not isinstance(value, dict):
        return mask(value)
    return _walk(value, names)


def mask(value: JSON) -> JSON:
    """Return what stands for a value that is not shown."""
    return {"masked": True, "bytes": len(canonical.encode(value))}


def _walk(value: JSON, names: Collection[str]) -> JSON:
    if isinstance(value, dict):
        return {name: mask(item) if name in names else _walk(item, names) for name, item in value.items()}
    return [_walk(item, names) for item in value] if isinstance(value, list) else value


def _hidden(execution: Execution, names: Collection[str]) -> str:
    """Return the text of a result with its sensitive fields masked; of one that was cut by then, its size alone."""
    if execution.is_truncated:  # a digest over little that is not known says what it is
        return canonical.encode({"truncated": True, "bytes": execution.output_bytes}).decode()
    return canonical.encode(masked(execution.output.encode(), names)).decode()


def _cut(text: str, execution: Execution, digest: str) -> str:
    proof = f", SHA-256 {digest}" if digest else ""
    return f"{text[:CUT_CHARACTERS]}\n[M1: cut here; the whole result has {execution.output_bytes:,} bytes{proof}]"
