"""What the enabled tools say to a rule: which of them it covers, which arguments they have, of which types."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from audit.canonical import JSON
from policy import fitting
from policy.arguments import Schema, names_of, resolve, schema_at
from policy.rules import Rule, fits

MOST_ARGUMENTS = 200


@dataclass(frozen=True, slots=True)
class Coverage:
    """The tools that a rule's patterns reach.

    covered  names of those whose calls it judges
    skipped  names of those that a pattern reaches but that lack an argument, each with the arguments it lacks
    """

    covered: tuple[str, ...]
    skipped: tuple[tuple[str, tuple[str, ...]], ...]


def coverage(rule: Rule, tools: Mapping[str, Schema]) -> Coverage:
    """Return which tools a rule covers: one that it names always, one under a pattern if it has the arguments."""
    named = frozenset(rule.argument_names())
    lacks = {
        name: () if name in rule.match.tools else tuple(sorted(named - names_of(schema)))
        for name, schema in sorted(reached(rule.match.tools, tools).items())
    }
    return Coverage(
        covered=tuple(name for name, missing in lacks.items() if not missing),
        skipped=tuple((name, missing) for name, missing in lacks.items() if missing),
    )


def reached(patterns: Iterable[str], tools: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the tools that at least one of the patterns fits."""
    wanted = tuple(patterns)
    return {name: schema for name, schema in tools.items() if any(fits(name, pattern) for pattern in wanted)}


def types_of(argument: str, tools: Mapping[str, Schema]) -> frozenset[str]:
    """Return the JSON types that an argument, or the items it lists, may have in these tools; none where unknown."""
    path = tuple(argument.split("."))
    found = ((schema_at(path, schema), schema) for schema in tools.values())
    return frozenset(one for node, root in found if node is not None for one in _types(node, root))


def arguments_of(tools: Mapping[str, Schema]) -> list[str]:
    """Return the dotted names of the arguments of these tools, sorted, at most MOST_ARGUMENTS."""
    names = {name for schema in tools.values() for name in _names(dict(schema), schema, "", 3)}
    return sorted(names)[:MOST_ARGUMENTS]


def _types(node: Schema, root: Schema) -> frozenset[str]:
    types = fitting.types_of(node)
    return fitting.types_of(resolve(node.get("items"), root)) if types == {"array"} else types


def _names(node: JSON, root: Schema, prefix: str, depth: int) -> Iterator[str]:
    properties = resolve(node, root).get("properties") if depth else None
    for name, child in properties.items() if isinstance(properties, dict) else ():
        yield prefix + name
        yield from _names(child, root, f"{prefix}{name}.", depth - 1)
