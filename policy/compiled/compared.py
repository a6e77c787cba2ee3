"""Comparisons: any number of bounds and sets of one kind of value, answered by one look-up or one bisection."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, TypeAlias

from policy.compiled.bits import Bits, Entry, Judge, Run, apart, rows_of
from policy.compiled.finders import singly
from policy.errors import UnjudgedError

OPPOSITE = {
    "equals": "not_equals", "in": "not_in", "greater_than": "at_most", "at_least": "less_than",
    "length_at_most": "greater_than", "length_at_least": "less_than",
}  # fmt: skip
OPPOSITE |= {opposite: name for name, opposite in OPPOSITE.items() if not name.startswith("length")}
SAME = {"length_at_most": "at_most", "length_at_least": "at_least"}
EQUALITY = frozenset({"equals", "not_equals", "in", "not_in"})
ORDER = frozenset({"greater_than", "at_least", "less_than", "at_most"})
LENGTH = frozenset(SAME)
HITS_MATCH = frozenset({"equals", "in"})
MAX_CELLS = 1 << 26
"""Of one judge: its masks times their bits, 8 MB. What would take more is judged one by one."""

Read: TypeAlias = Callable[[Any], Any]


def compared(entries: list[Entry], bits: Bits, read: Read | None = None) -> list[Judge]:
    """Return the judges for comparisons with values of one kind; one, unless a row compares twice.

    read   what to compare of the argument; raises UnjudgedError. None: the argument itself, known to be of the kind
    """
    return [_layer(layer, bits, read) for layer in apart(entries)]


def operator_of(entry: Entry) -> str:
    """Return the comparison that the rows want to hold."""
    name = entry.leaf.operator
    return OPPOSITE[name] if entry.is_negated else SAME.get(name, name)


def _layer(entries: list[Entry], bits: Bits, read: Read | None) -> Judge:
    points = sorted({point for entry in entries for point in entry.points})
    if (2 * len(points) + 1) * 2 * bits.count > MAX_CELLS:
        return singly(entries, bits)
    on, rows = masks(points, entries, bits), rows_of(entries)
    run = _looked_up(points, on) if all(operator_of(one) in EQUALITY for one in entries) else _on_a_line(points, on)
    return Judge(rows, run) if read is None else Judge(bits.both(rows), _reading(run, read, bits.unjudged(rows)))


def masks(points: list[Any], entries: list[Entry], bits: Bits) -> list[int]:
    """Return the mask for each place on the line: before the first point, on it, after it, ... after the last."""
    place = {point: 2 * at + 1 for at, point in enumerate(points)}
    size = 2 * len(points) + 1
    below, above, hit = [0] * (size + 1), [0] * (size + 1), [0] * size
    waiting = 0  # rows that only match on a point
    for entry in entries:
        at = [place[point] for point in entry.points]
        match operator_of(entry):
            case "greater_than":
                below[at[0]] |= entry.rows
            case "at_least":
                below[at[0] - 1] |= entry.rows
            case "less_than":
                above[at[0]] |= entry.rows
            case "at_most":
                above[at[0] + 1] |= entry.rows
            case name:
                waiting |= entry.rows if name in HITS_MATCH else 0
                for one in at:
                    hit[one] ^= entry.rows
    for one in range(size - 1, 0, -1):
        below[one - 1] |= below[one]
    for one in range(1, size):
        above[one] |= above[one - 1]
    return [bits.without(below[one] | above[one] | (waiting ^ hit[one])) for one in range(size)]


def _looked_up(points: list[Any], on: list[int]) -> Run:
    nowhere = on[0]
    look_up = {point: on[2 * at + 1] for at, point in enumerate(points)}.get
    return lambda value, alive: alive & look_up(value, nowhere)


def _on_a_line(points: list[Any], on: list[int]) -> Run:
    gaps = on[::2]
    if on[1::2] == gaps[:-1]:  # each point belongs to the gap before it
        return lambda value, alive: alive & gaps[bisect_left(points, value)]
    if on[1::2] == gaps[1:]:
        return lambda value, alive: alive & gaps[bisect_right(points, value)]
    return lambda value, alive: alive & on[bisect_left(points, value) + bisect_right(points, value)]


def _reading(run: Run, read: Read, unjudged: int) -> Run:
    def reading(value: Any, alive: int) -> int:
        try:
            found = read(value)
        except UnjudgedError:
            return alive & unjudged
        return run(found, alive)

    return reading
