"""Conditions as an outline: rows one under another, where what belongs to a group stands one step further in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from audit.canonical import JSON
from policy.reading import Path

Places: TypeAlias = dict[Path, int]
CONDITION, ANY, ALL, NONE = "condition", "any", "all", "none"
MOST_STEPS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the outline.

    indent  steps in, 0 to MOST_STEPS
    what    condition, or the head of a group: any, all, none
    leaf    a condition's fields as the document has them; empty for a head
    """

    indent: int
    what: str
    leaf: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Nested:
    """What an outline says.

    when    the list of conditions, as `conditions.parse` reads it
    places  for the path of each condition or group the number of its row
    astray  rows that stand further in than any group they could belong to
    """

    when: list[JSON]
    places: Places
    astray: list[int]


@dataclass(slots=True)
class _Node:
    number: int
    row: Row
    parts: list["_Node"] = field(default_factory=list)


def flatten(when: Iterable[JSON], indent: int = 0) -> Iterator[Row]:
    """Yield the rows of a list of conditions that `conditions.parse` accepts; `nest` gives it back."""
    for part in when:
        fields = cast(dict[str, JSON], part)
        if "not" in fields:
            yield Row(indent, NONE)
            yield from flatten(_denied(cast(dict[str, JSON], fields["not"])), indent + 1)
        elif ANY in fields or ALL in fields:
            what = ANY if ANY in fields else ALL
            yield Row(indent, what)
            yield from flatten(cast(list[JSON], fields[what]), indent + 1)
        else:
            yield Row(indent, CONDITION, fields)


def nest(rows: Sequence[Row]) -> Nested:
    """Return the conditions that the rows make. Every row has its place, one that is astray the nearest there is."""
    top, astray = _tree(rows)
    places: Places = {}
    when = [_value(node, ("when", position), places) for position, node in enumerate(top)]
    return Nested(when, places, astray)


def row_of(path: Path, places: Places) -> tuple[int, Path] | None:
    """Return the number of the row that a path leads to, and what of the path lies within the row."""
    found = next((end for end in range(len(path), 0, -1) if path[:end] in places), None)
    return None if found is None else (places[path[:found]], path[found:])


def _denied(inner: dict[str, JSON]) -> list[JSON]:
    """Return what stands under `none of these`: the parts of an `any` that has several, else the one part itself."""
    parts = inner.get(ANY)
    return parts if isinstance(parts, list) and len(parts) > 1 else [inner]


def _tree(rows: Sequence[Row]) -> tuple[list[_Node], list[int]]:
    levels: list[list[_Node]] = [[]]
    astray = []
    for number, row in enumerate(rows):
        if row.indent >= len(levels):
            astray.append(number)
        node = _Node(number, row)
        del levels[row.indent + 1 :]
        levels[-1].append(node)
        if row.what != CONDITION:
            levels.append(node.parts)
    return levels[0], astray


def _value(node: _Node, path: Path, places: Places) -> JSON:
    places[path] = node.number
    if node.row.what == CONDITION:
        return dict(node.row.leaf)
    if node.row.what != NONE:
        return {node.row.what: _values(node.parts, (*path, node.row.what), places)}
    if len(node.parts) == 1:
        return {"not": _value(node.parts[0], (*path, "not"), places)}
    return {"not": {ANY: _values(node.parts, (*path, "not", ANY), places)}}


def _values(nodes: list[_Node], path: Path, places: Places) -> list[JSON]:
    return [_value(node, (*path, position), places) for position, node in enumerate(nodes)]
