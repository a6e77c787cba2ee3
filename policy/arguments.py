"""Paths into a call's arguments, and into the JSON Schema that describes them."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final, Literal, TypeAlias, cast

from audit.canonical import JSON
from policy.errors import UnjudgedError

Schema: TypeAlias = Mapping[str, JSON]
MAX_REFERENCES = 32


class Missing(Enum):
    """No value: the argument is absent and has no default, or it is null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Seen: TypeAlias = "JSON | Literal[Missing.MISSING]"


def look_up(path: tuple[str, ...], arguments: Mapping[str, JSON], defaults: Mapping[str, JSON]) -> Seen:
    """Return the value at a path, the schema's default where the call is silent, or MISSING; null is no value.

    Raises UnjudgedError where the path leads through something that has no fields.
    """
    here = cast(JSON, arguments)
    for depth, name in enumerate(path, start=1):
        if here is None:
            return MISSING
        if not isinstance(here, Mapping):
            raise UnjudgedError(problem=f"{'.'.join(path[: depth - 1])} has no fields")
        if name not in here and ".".join(path[:depth]) not in defaults:
            return MISSING
        here = here[name] if name in here else defaults[".".join(path[:depth])]
    return MISSING if here is None else here


def resolve(node: JSON, root: Schema) -> Schema:
    """Return what a schema node means: local references followed, `or null` removed; {} where it says nothing plain.

    A choice between several shapes has no plain meaning, so that a path into it is not known.
    """
    for _ in range(MAX_REFERENCES):
        if not isinstance(node, dict):
            return {}
        if "$ref" in node:
            node = _referred(node["$ref"], root)
        elif choices := _choices(node):
            node = choices[0] if len(choices) == 1 else None
        else:
            return node
    return {}


def schema_at(path: tuple[str, ...], root: Schema) -> Schema | None:
    """Return the schema of the argument at a path, or None where the tool has no such argument."""
    here = resolve(dict(root), root)
    for name in path:
        child = _properties(here).get(name, here.get("additionalProperties"))
        if child is None or child is False:
            return None
        here = resolve(child, root)
    return here


def names_of(root: Schema) -> frozenset[str]:
    """Return the names of a tool's arguments, the top level of its schema."""
    return frozenset(_properties(resolve(dict(root), root)))


def defaults_of(root: Schema) -> dict[str, JSON]:
    """Return every default of a schema by dotted path, nested objects included."""
    return dict(_defaults(dict(root), root, "", frozenset()))


def _defaults(node: JSON, root: Schema, prefix: str, above: frozenset[int]) -> Iterator[tuple[str, JSON]]:
    here = resolve(node, root)
    if id(here) in above:  # a schema that refers to itself
        return
    for name, child in _properties(here).items():
        if isinstance(child, dict) and "default" in child:
            yield prefix + name, child["default"]
        yield from _defaults(child, root, f"{prefix}{name}.", above | {id(here)})


def _properties(node: Schema) -> Mapping[str, JSON]:
    properties = node.get("properties")
    return properties if isinstance(properties, dict) else {}


def _choices(node: Mapping[str, JSON]) -> list[JSON]:
    for word in ("anyOf", "oneOf", "allOf"):
        branches = node.get(word)
        if isinstance(branches, list):
            return [branch for branch in branches if not (isinstance(branch, dict) and branch.get("type") == "null")]
    return []


def _referred(reference: JSON, root: Schema) -> JSON:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    here: JSON = dict(root)
    for step in reference[2:].split("/"):
        here = here.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
    return here
