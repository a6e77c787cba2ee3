"""Judges of texts: what a text starts or ends with, which folder it lies in, which patterns it matches.

Each finds what it knows in the value; a find turns over the bits of the rows that named it.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

import re2

from policy.compiled.bits import Bits, Entry, Judge, rows_of
from policy.compiled.literals import literal_end
from policy.errors import UnjudgedError
from policy.leaves import Facts
from policy.operators.prepare import MAX_MATCHED, pattern_options


def finds(entries: list[Entry], keys: Callable[[Entry], Any], bits: Bits) -> tuple[int, dict[Any, int]]:
    """Return the mask where nothing is found, and by key the rows that finding it turns over."""
    base = bits.without(rows_of(entry for entry in entries if not entry.is_negated))
    turned: dict[Any, int] = {}
    for entry in entries:
        for key in keys(entry):
            turned[key] = turned.get(key, 0) ^ entry.rows
    return base, turned


def prefixes(entries: list[Entry], bits: Bits) -> Judge:
    """Judge by what a text starts with."""
    look = _longest_beginning(*finds(entries, lambda entry: entry.values, bits))
    return Judge(rows_of(entries), lambda value, alive: alive & look(value))


def suffixes(entries: list[Entry], bits: Bits) -> Judge:
    """Judge by what a text ends with: what it starts with, read backwards."""
    look = _longest_beginning(*finds(entries, lambda entry: (str(entry.leaf.value)[::-1],), bits))
    return Judge(rows_of(entries), lambda value, alive: alive & look(value[::-1]))


def directories(
    entries: list[Entry], key: Callable[[Entry], tuple[str, ...]], read: Callable[[Any], tuple[str, ...]], bits: Bits
) -> Judge:
    """Judge by the folders that a path lies in.

    key, read   the segments of a rule's folder and of a path; `read` raises UnjudgedError
    """
    base, turned = finds(entries, lambda entry: (key(entry),), bits)
    by_length, unjudged = _by_length(turned), bits.unjudged(rows_of(entries))

    def run(value: Any, alive: int) -> int:
        try:
            segments = read(value)
        except UnjudgedError:
            return alive & unjudged
        mask = base
        for length, look_up in by_length:
            mask ^= look_up(segments[:length], 0)
        return alive & mask

    return Judge(bits.both(rows_of(entries)), run)


def hosts(entries: list[Entry], read: Callable[[Any], str], bits: Bits) -> Judge:
    """Judge by the one host that an address names; `read` raises UnjudgedError."""
    base, turned = finds(entries, lambda entry: entry.values, bits)
    masks, unjudged = {host: base ^ rows for host, rows in turned.items()}, bits.unjudged(rows_of(entries))

    def run(value: Any, alive: int) -> int:
        try:
            return alive & masks.get(read(value), base)
        except UnjudgedError:
            return alive & unjudged

    return Judge(bits.both(rows_of(entries)), run)


def patterns(entries: list[Entry], bits: Bits) -> Judge:
    """Judge by one automaton made of all patterns: one pass over the text, however many they are."""
    automaton = re2.Set.FullMatchSet(pattern_options())
    for entry in entries:
        automaton.Add(entry.leaf.value)
    automaton.Compile()
    base, turned = finds(entries, lambda entry: (id(entry),), bits)
    turns = [turned[id(entry)] for entry in entries]
    rows, unjudged, match = rows_of(entries), bits.unjudged(rows_of(entries)), automaton.Match
    possible = _longest_beginning(0, _by_tail(entries))

    def run(value: str, alive: int) -> int:
        if len(value) > MAX_MATCHED:
            return alive & unjudged
        if not alive & rows & possible(value[::-1]) and value.isascii():
            return alive & base
        try:
            found = match(value)
        except UnicodeError:  # half a character
            return alive & unjudged
        mask = base
        for index in found or ():
            mask ^= turns[index]
        return alive & mask

    return Judge(bits.both(rows), run)


def _by_tail(entries: list[Entry]) -> dict[str, int]:
    """Return by what a match must end with, read backwards, the rows that can match then."""
    tails: dict[str, int] = {}
    for entry in entries:
        tail = literal_end(str(entry.leaf.value))[::-1]
        tails[tail] = tails.get(tail, 0) | entry.rows
    return tails


def singly(entries: list[Entry], bits: Bits) -> Judge:
    """Judge one condition after the other, by its own test, under the ceiling of cost."""
    steps = [(entry, bits.without(entry.rows), bits.unjudged(entry.rows)) for entry in entries]

    def run(value: Any, alive: int) -> int:
        meter = Facts({}, {}, frozenset())
        for entry, without, unjudged in steps:
            try:
                if entry.leaf.holds(value, meter) is entry.is_negated:
                    alive &= without
            except UnjudgedError:
                alive &= unjudged
        return alive

    return Judge(bits.both(rows_of(entries)), run)


def _by_length(turned: Mapping[Any, int]) -> list[tuple[int, Callable[[Any, int], int]]]:
    sizes: dict[int, dict[Any, int]] = {}
    for key, rows in turned.items():
        sizes.setdefault(len(key), {})[key] = rows
    return [(size, sizes[size].get) for size in sorted(sizes)]


def _longest_beginning(base: int, turned: Mapping[str, int]) -> Callable[[str], int]:
    """Return what turns over `base` for every key that a text begins with.

    All of them begin the longest one, which is the last key in order that is not after the text, or one that begins it.
    """
    keys = sorted(turned)
    shorter, masks = [-1] * len(keys), [0] * len(keys)
    for at, key in enumerate(keys):
        above = at - 1
        while above >= 0 and not key.startswith(keys[above]):
            above = shorter[above]
        shorter[at] = above
        masks[at] = (masks[above] if above >= 0 else base) ^ turned[key]

    def look(text: str) -> int:
        at = bisect_right(keys, text) - 1
        while at >= 0:
            if text.startswith(keys[at]):
                return masks[at]
            at = shorter[at]
        return base

    return look
