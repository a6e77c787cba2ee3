"""What differs between two versions of a tool, field by field, in the words of the person who enables one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audit import canonical
from policy import schema_changes
from policy.models import ToolVersion
from policy.schema_changes import ABSENT, Difference, words

_LABELS = {
    "name": "name", "description": "description", "risk": "risk", "read_only": "reads only",
    "idempotent": "a second run changes nothing", "reversible_with": "undone by", "external": "reaches outside",
    "timeout_seconds": "stopped after (seconds)", "headline": "headline", "sensitive_arguments": "sensitive arguments",
    "sensitive_results": "sensitive results", "environment": "variables it gets", "preview": "preview function",
    "module": "module", "function": "function",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs: `before` or `after` is empty where it was not there or is not any more."""

    field: str
    before: str
    after: str


def changes(old: ToolVersion | None, new: ToolVersion) -> list[Change]:
    """Return every difference between two versions; all that the new one is where there is no old one.

    Versions with different digests differ in at least one field.
    """
    found = declared_changes(old.declared if old else {}, new.declared)
    if old and not found and old.digest != new.digest:  # such as the order of a list that has no order
        return [Change("declaration", old.declaration, new.declaration)]
    return found


def declared_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return every difference between two declarations."""
    names = [*_LABELS, *sorted((old.keys() | new.keys()) - _LABELS.keys())]
    pairs = (pair for name in names for pair in _pairs(name, old.get(name, ABSENT), new.get(name, ABSENT)))
    return [_change(*pair) for pair in pairs if _differ(*pair[1:])]


def _pairs(name: str, before: object, after: object) -> Iterator[Difference]:
    """Yield what a field says; schema and source files in detail, where both are what they should be."""
    old, new = ({} if value is ABSENT else value for value in (before, after))
    if name == "sources" and isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _source_files(old, new)
    elif name == "schema" and schema_changes.is_readable(old) and schema_changes.is_readable(new):
        yield from schema_changes.differences(old, new)
    else:
        yield _LABELS.get(name, name), before, after


def _change(field: str, before: object, after: object) -> Change:
    shown = words(before), words(after)
    if shown[0] == shown[1]:  # ["a, b"] and ["a", "b"]
        shown = _exact(before), _exact(after)
    return Change(field, *shown)


def _differ(before: object, after: object) -> bool:
    return before is not after and _exact(before) != _exact(after)


def _exact(value: object) -> str:
    return "" if value is ABSENT else canonical.encode(value).decode()


def _source_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted(old.keys() | new.keys()):
        yield f"source file {name}", old.get(name, ABSENT), new.get(name, ABSENT)
