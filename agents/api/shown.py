"""Arguments and results as REST shows them: to those who may read them, and sensitive fields to nobody."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from agents import masking
from agents.approval import edits
from agents.approval.edits import Change
from agents.models import Decision, ToolCall, ToolCallRevision
from agents.visibility import User
from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error

OVERSIGHT = "agents.view_oversight"


def arguments(call: ToolCall) -> JSON:
    """Return the arguments of the current revision; null for what is no JSON object."""
    return _masked(_current(call), _hidden(call))


def written(call: ToolCall, revision: ToolCallRevision) -> JSON:
    """Return the arguments of one revision; null for what is no JSON object."""
    return _masked(bytes(revision.arguments), _hidden(call))


def unmasked(call: ToolCall, given: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return arguments as their sender means them: a mask that came back as it was shown stands for what it hides."""
    hidden, now = _hidden(call), _parsed(_current(call))
    known = {name: item for name, item in now.items() if name in hidden} if isinstance(now, dict) else {}
    kept = {name for name, item in known.items() if given.get(name) == masking.mask(item)}
    return {name: known[name] if name in kept else item for name, item in given.items()}


def changed(call: ToolCall) -> list[dict[str, Any]]:
    """Return what people edited, as EditShape has it."""
    hidden = _hidden(call)
    return [asdict(edit) | {"changes": [_change(one, hidden) for one in edit.changes]} for edit in edits.of(call)]


def result(call: ToolCall) -> JSON:
    """Return what the tool returned; null where it has not."""
    execution = getattr(call, "execution", None)
    if execution is None or not execution.output:
        return None
    return masking.masked(execution.output.encode(), masking.sensitive_results(call))


def preview(call: ToolCall) -> JSON:
    """Return what the tool said that it would do; nothing that shows sensitive arguments in another form."""
    return _parsed(call.preview.encode()) if call.preview and not _hidden(call) else None


def may_view_haste(user: User, decision: Decision) -> bool:
    """Tell whether a person may see how long the one who decided looked."""
    return decision.person_id == user.pk or user.has_perm(OVERSIGHT)


def _current(call: ToolCall) -> bytes:
    revision = next((one for one in call.revisions.all() if one.number == call.revision), None)
    return bytes(revision.arguments) if revision else b""


def _hidden(call: ToolCall) -> Collection[str]:
    return _declared(call, "sensitive_arguments")


def _declared(call: ToolCall, field: str) -> Collection[str]:
    return call.tool_version.declared.get(field, ()) if call.tool_version else ()


def _change(change: Change, hidden: Collection[str]) -> dict[str, str]:
    texts = {"before": change.before, "after": change.after}
    if change.name in hidden:
        texts = {name: _masked_text(text) if text else "" for name, text in texts.items()}
    return {"name": change.name, **texts}


def _masked(data: bytes, sensitive: Collection[str]) -> JSON:
    value = _parsed(data)
    if not isinstance(value, dict):
        return None if sensitive else value
    return {name: masking.mask(item) if name in sensitive else item for name, item in value.items()}


def _masked_text(text: str) -> str:
    return canonical.encode({"masked": True, "bytes": len(text.encode())}).decode()


def _parsed(data: bytes) -> JSON:
    try:
        return canonical.parse(data, limits=masking.LIMITS)
    except M1Error:  # what an agent sent that is not JSON: it was denied, and is shown in the browser as it came
        return None
