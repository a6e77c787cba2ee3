"""How large and how deep a tool's schema may be, and what it may not hold whatever its size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import re2

from audit import canonical
from audit.errors import NotCanonicalError

MAX_BYTES = 64_000
MAX_DEPTH = 24
MAX_PATTERN_CHARACTERS = 500
MAX_NODES = 5_000
"""Nodes after every local reference is written out: short schemas can unfold to billions."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFUSED_KEYWORDS = ("$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$vocabulary")


class _TooMuch(Exception):
    """The schema unfolds beyond its limits."""


def check_shape(schema: Mapping[str, Any]) -> str:
    """Return why the schema is refused, "" when it is not: checked before any library sees it."""
    try:
        size = len(canonical.encode(dict(schema)))
    except NotCanonicalError as exc:
        return f"it is not JSON ({exc.facts.get('reason')})"
    if size > MAX_BYTES:
        return f"it is larger than {MAX_BYTES:,} bytes"
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        return "it must describe an object and refuse unknown fields (additionalProperties: false)"
    return next(_complaints(schema, 0), "") or _check_references(schema)


def _complaints(node: object, depth: int) -> Iterator[str]:
    """Yield what no place in the schema may hold."""
    if depth > MAX_DEPTH:
        yield f"it is nested deeper than {MAX_DEPTH} levels"
        return
    children = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    if isinstance(node, Mapping):
        yield from _keyword_complaints(node)
    for child in children:
        yield from _complaints(child, depth + 1)


def _keyword_complaints(node: Mapping[str, Any]) -> Iterator[str]:
    dialect, reference = node.get("$schema", DIALECT), node.get("$ref", "#/")
    if isinstance(dialect, str) and dialect != DIALECT:
        yield "it names another dialect than draft 2020-12"
    if isinstance(reference, str) and not reference.startswith("#/"):
        yield "`$ref` may only point to `#/…` inside the schema itself; nothing is fetched"
    yield from (f"`{word}` is not supported" for word in _REFUSED_KEYWORDS if isinstance(node.get(word), str | dict))
    patterns = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    keyed = node.get("patternProperties")
    for pattern in [*patterns, *(keyed if isinstance(keyed, Mapping) else ())]:
        yield from _pattern_complaints(pattern)


def _pattern_complaints(pattern: str) -> Iterator[str]:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        yield f"a pattern is longer than {MAX_PATTERN_CHARACTERS} characters"
        return
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options=options)
    except re2.error:
        yield f"the pattern {pattern!r} cannot be matched in linear time"


def _check_references(schema: Mapping[str, Any]) -> str:
    try:
        _unfold(schema, schema, frozenset(), [MAX_NODES])
    except _TooMuch as exc:
        return str(exc)
    return ""


def _unfold(node: object, root: Mapping[str, Any], above: frozenset[str], left: list[int]) -> None:
    """Walk the schema with every reference written out, as a validator may have to."""
    left[0] -= 1
    if left[0] < 0:
        raise _TooMuch(f"it unfolds to more than {MAX_NODES:,} nodes")
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str):
            _follow(reference, root, above, left)
        for child in node.values():
            _unfold(child, root, above, left)
    elif isinstance(node, list):
        for child in node:
            _unfold(child, root, above, left)


def _follow(reference: str, root: Mapping[str, Any], above: frozenset[str], left: list[int]) -> None:
    if reference in above or len(above) >= MAX_DEPTH:
        raise _TooMuch(f"it refers to itself, or too deeply, through {reference!r}")
    here: object = root
    for step in reference.removeprefix("#/").split("/"):
        here = here.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(here, Mapping) else None
    if here is None:
        raise _TooMuch(f"{reference!r} points to nothing")
    _unfold(here, root, above | {reference}, left)
