"""The scope of a token as sentences that people read."""

from collections.abc import Mapping
from typing import Any

from audit import canonical
from audit.canonical import JSON
from policy import conditions, sentences
from policy.errors import FieldError
from policy.models import ApprovalToken
from policy.reveal import reveal


def scope_of(row: ApprovalToken) -> dict[str, Any]:
    """Return the scope as the row has it."""
    scope = canonical.parse(row.scope.encode())
    return scope if isinstance(scope, dict) else {}


def in_words(row: ApprovalToken) -> list[str]:
    """Return what a token is good for, sentence by sentence."""
    scope = scope_of(row)
    if row.kind == ApprovalToken.Kind.EXECUTION:
        return [f"One call of {_name(scope.get('tool'))}, request {_name(scope.get('requestId'))}, as it was approved."]
    tools, agents, requesters = (_names(scope.get(name, ())) for name in ("tools", "agents", "requesters"))
    return [f"Calls of {tools}, as defined when it was given.", f"By {agents}, for {requesters}.", *only_when(scope)]


def only_when(scope: Mapping[str, JSON]) -> list[str]:
    """Return the conditions of a pre-authorisation on the arguments, a sentence each; all of them must hold."""
    try:
        parts = conditions.parse(scope.get("when", [])).parts
    except FieldError as exc:
        return [f"A condition cannot be read: {exc}"]
    return [f"Only when {sentences.condition(part)}." for part in parts]


def _names(names: Any) -> str:
    return " or ".join(_name(name) for name in names)


def _name(name: Any) -> str:
    return reveal(str(name), one_line=True)
