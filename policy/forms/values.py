"""The value of a condition: what a person typed and the kind they chose, from and to a value of the document."""

import json
from collections.abc import Collection
from typing import cast

from audit.canonical import JSON
from policy.errors import UnjudgedError
from policy.forms.lists import join_lines, quoted, split_lines, unquoted
from policy.operators import OPERATORS
from policy.operators.kinds import READERS, TYPED
from policy.reading import Path, wrong
from policy.yaml_text import NUMBER

KINDS = {
    "": "as the tool says", "text": "a text", "number": "a number", "boolean": "yes or no",
    "decimal": "an exact decimal", "date": "a date", "time": "a moment",
}  # fmt: skip
LISTS = frozenset({"scalars", "hosts"})
FREE = frozenset({"scalar", "scalars", "ordered"})
_TRUTHS: dict[str, JSON] = {"yes": True, "true": True, "no": False, "false": False}
_NUMBERS, _TEXTS = frozenset({"integer", "number"}), frozenset({"string"})
AMBIGUOUS = "is needed: the rule's tools do not say which kind of value this argument has"


def read(written: str, operator: str, kind: str, types: Collection[str], path: Path = ()) -> JSON:
    """Return the value that a person typed, None for nothing; raises FieldError at `value` or `kind`.

    kind    a key of KINDS; "" takes the kind from the types
    types   JSON Schema types of the argument, or of the items it lists; none where nothing is known
    """
    form = OPERATORS[operator].value
    at = (*path, "value")
    if not written.strip() or form == "none":
        return written.strip() or None
    if form == "length":
        return _scalar("number", written.strip(), at)
    if form not in FREE:
        return list[JSON](split_lines(written, at)) if form in LISTS else unquoted(written, at)
    texts = split_lines(written, at) if form in LISTS else [unquoted(written, at)]
    known = kind or _kind(texts, frozenset(types), form, (*path, "kind"))
    values = [_scalar(known, text, at) for text in texts]
    return values if form in LISTS else values[0]


def write(value: JSON) -> tuple[str, str]:
    """Return a value of the document as a person reads it, and its kind; `read` gives it back equal."""
    if isinstance(value, list):
        return join_lines(_written(one) for one in value), _kind_of(value[0]) if value else ""
    return ("", "") if value is None else (quoted(_written(value)), _kind_of(value))


def _kind(texts: list[str], types: frozenset[str], form: str, path: Path) -> str:
    """Return the kind that the argument's type means, else what the texts can only be."""
    if types and types <= _NUMBERS:
        return "number"
    if types == {"boolean"}:
        return "boolean"
    if form == "ordered":
        return _ordered_kind(texts[0], types, path)
    if types == _TEXTS:
        return "text"
    if any(NUMBER.fullmatch(text) or text.lower() in _TRUTHS for text in texts):
        raise wrong(path, AMBIGUOUS)
    return "text"


def _ordered_kind(text: str, types: frozenset[str], path: Path) -> str:
    """Return the kind a text has by its form: among texts of JSON a decimal, a date or a time."""
    for kind in ("date", "time", "decimal"):
        if _reads(kind, text) and (kind != "decimal" or types == _TEXTS):
            return kind
    if types == _TEXTS or not NUMBER.fullmatch(text):
        raise wrong(
            (*path[:-1], "value"), "must be a number, a date like 2026-01-31 or a moment like 2026-01-31T12:00:00Z"
        )
    return "number"


def _reads(kind: str, text: str) -> bool:
    try:
        READERS[kind](text)
    except UnjudgedError:
        return False
    return True


def _scalar(kind: str, text: str, path: Path) -> JSON:
    if kind == "number":
        if not NUMBER.fullmatch(text):
            raise wrong(path, f"must be a number like 12 or 0.5, without separators; this is {text[:40]!a}")
        return cast(JSON, json.loads(text))
    if kind == "boolean":
        if text.lower() not in _TRUTHS:
            raise wrong(path, "must be yes or no")
        return _TRUTHS[text.lower()]
    return {kind: text} if kind in TYPED else text


def _written(value: JSON) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return str(next(iter(value.values())))
    return value if isinstance(value, str) else json.dumps(value)


def _kind_of(value: JSON) -> str:
    if isinstance(value, dict):
        return next(iter(value))
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"
