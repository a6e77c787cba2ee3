"""One argument, judged for all rows of a table at once: first by the value's type, then by a judge for that type."""

import math
from typing import Any, NamedTuple

from audit.canonical import JSON
from policy.arguments import MISSING
from policy.compiled import text_judges
from policy.compiled.bits import Bits, Entry, Judge, chained, constant, rows_of
from policy.compiled.compared import EQUALITY, ORDER, compared
from policy.compiled.finders import singly

SAMPLES: dict[type, Any] = {type(None): MISSING, dict: {}}


class Lanes(dict[type, Judge]):
    """The judge for each type that a value may have, made when such a value comes first."""

    def __init__(self, entries: list[Entry], bits: Bits) -> None:
        super().__init__()
        self._entries = entries
        self._bits = bits

    def __missing__(self, kind: type) -> Judge:
        """Make the judge for a type; of what is no text, number, truth or list, all conditions say the same."""
        entries, bits = self._entries, self._bits
        if kind is str:
            judge = text_judges.build(entries, bits)
        elif kind is int:
            judge = _numbers(entries, bits)
        elif kind is float:
            judge = _finite(self[int], entries, bits)
        elif kind is bool:
            judge = _booleans(entries, bits)
        elif kind is list:
            judge = singly(entries, bits)
        else:
            judge = constant(_mask(entries, SAMPLES.get(kind, object()), bits), bits)
        self[kind] = judge
        return judge


class Column(NamedTuple):
    """An argument's judges.

    path      where the argument stands
    default   what the tool's schema puts in its place; None without one. Of top-level arguments only
    usual     the type that most conditions are about
    lanes     the judge for each type
    unjudged  the mask where the path leads through something without fields
    """

    path: tuple[str, ...]
    default: JSON
    usual: type
    lanes: Lanes
    unjudged: int


def build(path: tuple[str, ...], default: JSON, entries: list[Entry], bits: Bits) -> Column:
    """Return the column of an argument from all conditions on it."""
    usual = int if sum(map(_compares_numbers, entries)) * 2 > len(entries) else str
    return Column(path, default, usual, Lanes(entries, bits), bits.unjudged(rows_of(entries)))


def _mask(entries: list[Entry], sample: Any, bits: Bits) -> int:
    """Return what a value leaves alive, each condition judged by its own test."""
    return singly(entries, bits).run(sample, bits.all)


def _booleans(entries: list[Entry], bits: Bits) -> Judge:
    masks = {flag: _mask(entries, flag, bits) for flag in (True, False)}
    return Judge(bits.all ^ (masks[True] & masks[False]), lambda value, alive: alive & masks[value])


def _numbers(entries: list[Entry], bits: Bits) -> Judge:
    """Only comparisons with numbers depend on the number; of the others any number says the same."""
    numeric = [entry for entry in entries if _compares_numbers(entry)]
    rest = [entry for entry in entries if not _compares_numbers(entry)]
    return chained(_mask(rest, 0, bits), compared(numeric, bits), bits)


def _compares_numbers(entry: Entry) -> bool:
    return entry.leaf.quantifier is None and entry.kind == "number" and entry.leaf.operator in EQUALITY | ORDER


def _finite(numbers: Judge, entries: list[Entry], bits: Bits) -> Judge:
    unjudged, run, is_finite = _mask(entries, math.nan, bits), numbers.run, math.isfinite
    return Judge(bits.all, lambda value, alive: run(value, alive) if is_finite(value) else alive & unjudged)
