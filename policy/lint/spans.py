"""Whether anything lies between bounds: numbers, decimals, dates, times, lengths."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from policy.arguments import Schema
from policy.lint.facts import Fact, kind, scalars
from policy.operators.kinds import Comparable, comparable

# (operator, whether it held) to the side that it bounds and whether the bound itself is inside
BOUNDS = {
    ("at_least", True): ("low", True),
    ("at_least", False): ("high", False),
    ("greater_than", True): ("low", False),
    ("greater_than", False): ("high", True),
    ("at_most", True): ("high", True),
    ("at_most", False): ("low", False),
    ("less_than", True): ("high", False),
    ("less_than", False): ("low", True),
    ("length_at_least", True): ("low", True),
    ("length_at_least", False): ("high", False),
    ("length_at_most", True): ("high", True),
    ("length_at_most", False): ("low", False),
}
KEYWORDS = {
    "minimum": ("low", True),
    "exclusiveMinimum": ("low", False),
    "maximum": ("high", True),
    "exclusiveMaximum": ("high", False),
}
LENGTHS = {
    "string": {"minLength": ("low", True), "maxLength": ("high", True)},
    "array": {"minItems": ("low", True), "maxItems": ("high", True)},
}


@dataclass
class Span:
    """Values of one kind between two bounds, each with whether it is inside; None bounds nothing."""

    low: tuple[Comparable, bool] | None = None
    high: tuple[Comparable, bool] | None = None
    excluded: set[Comparable] = field(default_factory=set)

    def bound(self, side: str, value: Comparable, is_inside: bool) -> None:
        """Keep the closer of two bounds."""
        if side == "low" and (self.low is None or (value, not is_inside) > (self.low[0], not self.low[1])):
            self.low = value, is_inside
        if side == "high" and (self.high is None or (value, is_inside) < self.high):
            self.high = value, is_inside

    def is_empty(self, *, whole: bool = False) -> bool:
        """Return whether nothing lies in it, or no whole number does."""
        if self.low is None or self.high is None:
            return False
        if whole:
            first = math.floor(self.low[0]) + 1 if not self.low[1] else math.ceil(self.low[0])
            last = math.ceil(self.high[0]) - 1 if not self.high[1] else math.floor(self.high[0])
            return all(at in self.excluded for at in range(first, last + 1))
        if self.low[0] == self.high[0]:
            return not (self.low[1] and self.high[1]) or self.low[0] in self.excluded
        return bool(self.low[0] > self.high[0])


def compared(facts: Iterable[Fact], wanted: str) -> Span:
    """Return what the comparisons of one kind leave."""
    span = Span()
    for fact in (fact for fact in facts if kind(fact.leaf) == wanted):
        values = [comparable(value) for value in scalars(fact.leaf)]
        if fact.excludes_values:
            span.excluded.update(values)
        elif fact.held is not None and (fact.leaf.operator, fact.held) in BOUNDS:
            span.bound(BOUNDS[fact.leaf.operator, fact.held][0], values[0], BOUNDS[fact.leaf.operator, fact.held][1])
    return span


def numbers(facts: Iterable[Fact], schema: Schema) -> Span:
    """Return what the comparisons and the schema leave of the numbers."""
    span = compared(facts, "number")
    for side, value, is_inside in _said(schema, KEYWORDS):
        span.bound(side, value, is_inside)
    return span


def lengths(facts: Iterable[Fact], schema: Schema, types: frozenset[str]) -> Span:
    """Return how long a text or a list can be."""
    span = Span((0, True))
    for fact in facts:
        if fact.held is not None and fact.leaf.operator.startswith("length_"):
            side, is_inside = BOUNDS[fact.leaf.operator, fact.held]
            span.bound(side, fact.leaf.value, is_inside)
    for side, value, is_inside in _said(schema, LENGTHS.get(next(iter(types)), {}) if len(types) == 1 else {}):
        span.bound(side, value, is_inside)
    return span


def _said(schema: Schema, keywords: dict[str, tuple[str, bool]]) -> Iterator[tuple[str, Comparable, bool]]:
    for word, (side, is_inside) in keywords.items():
        value = schema.get(word)
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield side, value, is_inside
