"""What an argument can be in a call that its tool's schema lets through: rather more than less, never less."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import jsonschema_rs

from audit import canonical
from audit.canonical import JSON
from policy.arguments import MISSING, Schema, Seen, defaults_of, look_up, resolve
from policy.errors import UnjudgedError
from policy.fitting import types_of
from policy.proposal import ToolShape

Admits: TypeAlias = Callable[[JSON], bool]


@dataclass(frozen=True)
class Domain:
    """The values of an argument, or of a list's items.

    singles       values to be judged one by one: no value at all, the default, an enum's members, the empty list
    rest          the schema of all other values, lists with items among them; None where there are no others
    admits        whether the schema lets a value through
    items         of the lists in the rest
    is_reachable  the path to it never leads through something that has no fields, where no condition can judge
    """

    singles: tuple[Seen, ...]
    rest: Schema | None
    admits: Admits
    items: "Domain | None"
    is_reachable: bool = True


class Tool:
    """A tool as lint sees it; what was found out of its arguments is kept."""

    def __init__(self, name: str, schema: Schema) -> None:
        self.name = name
        self.shape = ToolShape.of(name, schema)
        self._schema = schema
        self._domains: dict[tuple[str, ...], Domain] = {}

    def domain(self, path: tuple[str, ...]) -> Domain:
        """Return what the argument at a path can be."""
        if path not in self._domains:
            self._domains[path] = self._found(path)
        return self._domains[path]

    @cached_property
    def _defaults(self) -> Mapping[str, JSON]:
        return defaults_of(self._schema)

    def look(self, names: frozenset[str]) -> bytes:
        """Return what decides about arguments of these names: tools that look alike need to be reasoned about once."""
        properties = self._schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        required = self._schema.get("required")
        said = {
            **self._schema,
            "properties": {name: node for name, node in known.items() if name in names},
            "required": sorted(str(name) for name in required if name in names) if isinstance(required, list) else [],
        }
        return canonical.encode(said)

    def _found(self, path: tuple[str, ...]) -> Domain:
        """Walk down the path; on every level the call may be silent, or say null."""
        singles: list[Seen] = []
        node: JSON = dict(self._schema)
        is_reachable = True
        for depth, name in enumerate(path):
            here = resolve(node, self._schema)
            is_reachable = is_reachable and types_of(here) == {"object"}
            required = here.get("required")
            if not isinstance(required, list) or name not in required:
                try:
                    singles.append(look_up(path, _silent(path[:depth]), self._defaults))
                except UnjudgedError:  # a default that has no fields
                    is_reachable = False
            node = _child(here, name)
            if node is not False and admitting(node, self._schema)(None):
                singles.append(MISSING)
        found = domain(node, self._schema)
        singles += [value for value in found.singles if value is not None]
        return replace(found, singles=tuple(singles), items=self._items(node), is_reachable=is_reachable)

    def _items(self, node: JSON) -> Domain | None:
        here = resolve(node, self._schema)
        if types_of(here) and "array" not in types_of(here):
            return None
        return domain(True if "prefixItems" in here else here.get("items", True), self._schema)


def domain(node: JSON, root: Schema) -> Domain:
    """Return what a value under a schema node can be, null included; of lists, not what their items can be."""
    if node is False:
        return Domain((), None, lambda value: False, None)
    here, admits = resolve(node, root), admitting(node, root)
    named = here["enum"] if isinstance(here.get("enum"), list) else [here["const"]] if "const" in here else None
    if types_of(here) == {"boolean"}:
        named = named or [True, False, None]
    if isinstance(named, list):
        return Domain(tuple(value for value in named if admits(value)), None, admits, None)
    least = here.get("minItems")
    rest = {**here, "minItems": max(1, least if isinstance(least, int) else 0)}
    apart: tuple[JSON, ...] = ([], None)
    return Domain(tuple(value for value in apart if admits(value)), rest, admits, None)


def admitting(node: JSON, root: Schema) -> Admits:
    """Return a test for the values that a schema node lets through; every value where that cannot be found out."""
    definitions = {name: root[name] for name in ("$defs", "definitions") if name in root}
    try:
        validator = jsonschema_rs.Draft202012Validator(
            {**definitions, "allOf": [node]}, offline=True, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return lambda value: True  # it refers to its surroundings, which are not here
    return validator.is_valid


def _child(here: Schema, name: str) -> JSON:
    """Return the schema of a field; True where anything may stand, False where nothing can."""
    properties = here.get("properties")
    if isinstance(properties, dict) and name in properties:
        return properties[name]
    return True if "patternProperties" in here else here.get("additionalProperties", True)


def _silent(path: tuple[str, ...]) -> dict[str, JSON]:
    """Return arguments that lead to the end of a path, where there is nothing."""
    return {path[0]: _silent(path[1:])} if path else {}
