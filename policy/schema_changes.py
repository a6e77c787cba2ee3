"""What differs between the arguments of two versions of a tool, argument by argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, TypeGuard

from audit import canonical

ABSENT: Final = object()
"""Stands where one of the two has no such thing."""
Difference: TypeAlias = tuple[str, object, object]

_KEYWORDS = {
    "minLength": "least characters", "maxLength": "most characters", "minItems": "least items",
    "maxItems": "most items", "uniqueItems": "no item twice", "minProperties": "least fields",
    "maxProperties": "most fields", "minimum": "least", "maximum": "most", "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than", "multipleOf": "a multiple of", "enum": "one of", "const": "always",
    "required": "required fields", "additionalProperties": "other fields",
}  # fmt: skip
_TYPES = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list",
    "object": "object", "null": "null",
}  # fmt: skip
_WITHIN = {"items": "each item's ", "additionalProperties": "each value's "}


def words(value: object) -> str:
    """Return a value of a declaration as text; "" for what is absent."""
    if value is ABSENT:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "none"
    return "none" if value is None else value if isinstance(value, str) else canonical.encode(value).decode()


def is_readable(schema: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether arguments can be read from it; a row that somebody wrote by hand may hold anything."""
    if not isinstance(schema, Mapping) or not isinstance(schema.get("properties", {}), Mapping):
        return False
    required = schema.get("required", [])
    return isinstance(required, list) and all(isinstance(name, str) for name in required)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield (field, before, after) for every argument, and for what else the two JSON Schemas say; equal ones too."""
    before, after = _arguments(old), _arguments(new)
    for name in sorted(before.keys() | after.keys()):
        yield from _argument(name, before.get(name), after.get(name))
    for key in sorted((old.keys() | new.keys()) - {"properties", "required"}):
        yield f"schema: {key}", old.get(key, ABSENT), new.get(key, ABSENT)


def _argument(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[Difference]:
    field = f"argument {name}"
    if old is None or new is None:
        yield field, _summary(old), _summary(new)
        return
    for fact in [*old, *(fact for fact in new if fact not in old)]:
        yield f"{field}: {fact}", old.get(fact, ABSENT), new.get(fact, ABSENT)


def _arguments(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the facts of every argument by its name."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    names = [*properties, *(name for name in required if name not in properties)]
    return {name: dict(_facts(properties.get(name), "")) | {"required": name in required} for name in names}


def _facts(node: object, within: str) -> Iterator[tuple[str, Any]]:
    """Yield what a schema says of its value, in words; what has no plain words stays JSON under its own name."""
    if not isinstance(node, Mapping):
        yield f"{within}schema", node
        return
    plain = _without_null(node)
    if plain is not None:
        yield f"{within}may be null", True
        node = plain
    for keyword, value in sorted(node.items(), key=lambda item: (item[0] != "type", item[0])):
        if keyword in _WITHIN and isinstance(value, Mapping):
            yield from _facts(value, f"{within}{_WITHIN[keyword]}")
        elif keyword == "type" and isinstance(value, str):
            yield f"{within}type", _TYPES.get(value, value)
        else:
            yield f"{within}{_KEYWORDS.get(keyword, keyword)}", value


def _without_null(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return `X or null` without the null, None where the schema says something else."""
    choices = node.get("anyOf")
    if not isinstance(choices, list) or {"type": "null"} not in choices or len(choices) != 2:
        return None
    other = choices[choices[0] == {"type": "null"}]
    rest = {keyword: value for keyword, value in node.items() if keyword != "anyOf"}
    return {**other, **rest} if isinstance(other, Mapping) and not other.keys() & rest.keys() else None


def _summary(facts: Mapping[str, Any] | None) -> object:
    return ABSENT if facts is None else "; ".join(f"{fact}: {words(value)}" for fact, value in facts.items())
