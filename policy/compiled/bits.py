"""The numbering of rows as bits, and what one condition is to them.

A row has two bits: a low one, that it may still match, and a high one, that nothing of it was beyond judging.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from policy.leaves import Leaf
from policy.operators import kinds
from policy.operators.kinds import Scalar

Run: TypeAlias = Callable[[Any, int], int]


class Judge(NamedTuple):
    """A way to judge one value for many rows.

    watch   the bits that it may take away; where none of them is alive it need not run
    run     takes a value and the mask of what is alive, returns the mask of what the value leaves alive
    """

    watch: int
    run: Run


class Bits:
    """The numbering of one table: `count` low bits, and as many high ones above them.

    all   every row may match and can be judged
    """

    __slots__ = ("all", "count")

    def __init__(self, count: int) -> None:
        self.count = count
        self.all = (1 << 2 * count) - 1

    def both(self, rows: int) -> int:
        """Both bits of these rows."""
        return rows | rows << self.count

    def without(self, rows: int) -> int:
        """These rows do not match."""
        return self.all ^ rows

    def unjudged(self, rows: int) -> int:
        """These rows cannot be judged, and so do not match."""
        return self.all ^ (rows | rows << self.count)


AS_WRITTEN = frozenset({"text", "number", "boolean"})


class Entry(NamedTuple):
    """A leaf, whether the rows want it not to hold, and the rows that it stands in, as low bits."""

    leaf: Leaf
    is_negated: bool
    rows: int

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The leaf's values, also where it has one or none."""
        value = self.leaf.value
        return value if isinstance(value, tuple) else () if value is None else (value,)

    @property
    def points(self) -> tuple[Any, ...]:
        """The leaf's values as their kind compares them."""
        return self.values if self.kind in AS_WRITTEN else tuple(map(kinds.comparable, self.values))

    @property
    def kind(self) -> str:
        """The kind of the leaf's values, "" where it has none."""
        return kinds.kind_of(self.values[0]) if self.values else ""


def rows_of(entries: Iterable[Entry]) -> int:
    """Return all rows that the entries stand in."""
    found = 0
    for entry in entries:
        found |= entry.rows
    return found


def apart(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return the entries in layers; within one no row stands twice, so that each bit is one entry's alone."""
    layers: list[list[Entry]] = []
    taken: list[int] = []
    for entry in entries:
        at = next((at for at, rows in enumerate(taken) if not rows & entry.rows), len(layers))
        if at == len(layers):
            layers.append([])
            taken.append(0)
        layers[at].append(entry)
        taken[at] |= entry.rows
    return layers


def constant(mask: int, bits: Bits) -> Judge:
    """Return the judge that says the same of every value."""
    return Judge(bits.all & ~mask, lambda value, alive: alive & mask)


def chained(mask: int, judges: list[Judge], bits: Bits) -> Judge:
    """Return one judge from a mask that holds whatever the value is, and any number of judges."""
    if not judges:
        return constant(mask, bits)
    if len(judges) == 1 and mask == bits.all:
        return judges[0]
    watch = bits.all & ~mask
    for one in judges:
        watch |= one.watch

    def run(value: Any, alive: int) -> int:
        alive &= mask
        for bits_of_one, judge in judges:
            if alive & bits_of_one:
                alive = judge(value, alive)
        return alive

    return Judge(watch, run)
