"""Arguments and results as REST shows them: to those who may read them, and sensitive fields to nobody."""

from collections.abc import Collection

from agents.models import ToolCall
from agents.visibility import User, may_view_bodies
from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error

LIMITS = canonical.Limits(bytes=16_777_216, keys=16_777_216)


def arguments(call: ToolCall, user: User) -> JSON:
    """Return the arguments of the current revision; null for who may not read them, and for what is no JSON object."""
    if not may_view_bodies(user, call):
        return None
    revision = next((one for one in call.revisions.all() if one.number == call.revision), None)
    return _masked(bytes(revision.arguments), _declared(call, "sensitive_arguments")) if revision else None


def result(call: ToolCall, user: User) -> JSON:
    """Return what the tool returned; null where it has not, or for who may not read it."""
    execution = getattr(call, "execution", None)
    if execution is None or not execution.output or not may_view_bodies(user, call):
        return None
    return _masked(execution.output.encode(), _declared(call, "sensitive_results"))


def preview(call: ToolCall, user: User) -> JSON:
    """Return what the tool said that it would do; nothing that shows sensitive arguments in another form."""
    if not call.preview or _declared(call, "sensitive_arguments") or not may_view_bodies(user, call):
        return None
    return _parsed(call.preview.encode())


def _declared(call: ToolCall, field: str) -> Collection[str]:
    return call.tool_version.declared.get(field, ()) if call.tool_version else ()


def _masked(data: bytes, sensitive: Collection[str]) -> JSON:
    value = _parsed(data)
    if not isinstance(value, dict):
        return None if sensitive else value
    return {name: _mask(item) if name in sensitive else item for name, item in value.items()}


def _mask(value: JSON) -> JSON:
    return {"masked": True, "bytes": len(canonical.encode(value))}


def _parsed(data: bytes) -> JSON:
    try:
        return canonical.parse(data, limits=LIMITS)
    except M1Error:  # what an agent sent that is not JSON: it was denied, and is shown in the browser as it came
        return None
