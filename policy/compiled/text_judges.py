"""The judge of a text: one look at it for each sort of condition, whatever their number."""

from collections.abc import Callable, Iterator
from typing import Any

import re2

from policy.compiled.bits import Bits, Entry, Judge, apart, chained
from policy.compiled.compared import EQUALITY, LENGTH, ORDER, compared
from policy.compiled.finders import directories, hosts, patterns, prefixes, singly, suffixes
from policy.errors import UnjudgedError
from policy.operators import kinds, places
from policy.operators.prepare import MAX_MATCHED, most_read, pattern_options

MAX_PROGRAM = 10_000
"""Instructions of one automaton: the twenty states that RE2 needs at least are then far below its 8 MB."""


def build(entries: list[Entry], bits: Bits) -> Judge:
    """Return the judge of an argument that is a text."""
    by_sort: dict[str, list[Entry]] = {}
    for entry in entries:
        by_sort.setdefault(_sort(entry), []).append(entry)
    mask = singly(by_sort.pop("any", []), bits).run("", bits.all)
    # Patterns cost most: they come last, when least is alive.
    sorts = sorted(by_sort.items(), key=lambda item: item[0] == "matches")
    judges = [judge for sort, found in sorts for judge in _judges(sort, found, bits)]
    return chained(mask, judges, bits)


def _sort(entry: Entry) -> str:
    """Return which judge an entry goes to; `any` says the same of every text."""
    operator = entry.leaf.operator
    if entry.leaf.quantifier or operator in ("is_present", "is_absent"):
        return "any"
    if operator in EQUALITY | ORDER:
        return entry.kind if entry.kind not in ("number", "boolean") else "any"
    return "length" if operator in LENGTH else operator


def _judges(sort: str, entries: list[Entry], bits: Bits) -> Iterator[Judge]:
    if sort == "text":
        yield from compared(entries, bits)
    elif sort == "length":
        yield from compared(entries, bits, len)
    elif sort in kinds.TYPED:
        yield from compared(entries, bits, kinds.READERS[sort])
    elif sort == "path_inside":
        yield from _by_folder(entries, bits)
    elif sort == "matches":
        yield from _by_pattern(entries, bits)
    elif sort in _BY_LAYER:
        yield from (_BY_LAYER[sort](layer, bits) for layer in apart(entries))
    else:
        yield singly(entries, bits)


_BY_LAYER: dict[str, Callable[[list[Entry], Bits], Judge]] = {
    "starts_with": prefixes,
    "ends_with": suffixes,
    "url_host_in": lambda layer, bits: hosts(layer, places.url_host, bits),
    "email_domain_in": lambda layer, bits: hosts(layer, places.mail_domain, bits),
}


def _by_folder(entries: list[Entry], bits: Bits) -> Iterator[Judge]:
    """Absolute and relative folders apart: a path of the other sort cannot be judged."""
    for is_absolute in (True, False):
        found = [entry for entry in entries if _folder(entry)[0] is is_absolute]
        for layer in apart(found):
            yield directories(layer, lambda entry: _folder(entry)[1], _reader(is_absolute=is_absolute), bits)


def _folder(entry: Entry) -> tuple[bool, tuple[str, ...]]:
    return places.segments(str(entry.leaf.value))


def _reader(*, is_absolute: bool) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        found, segments = places.segments(value)
        if found is not is_absolute:
            raise UnjudgedError(problem="and the rule's directory are not both absolute or both relative")
        return segments

    return read


def _by_pattern(entries: list[Entry], bits: Bits) -> Iterator[Judge]:
    """As few automata as their size allows; a pattern that may not read every text is judged by itself."""
    sizes = {id(entry): re2.compile(str(entry.leaf.value), pattern_options()).programsize for entry in entries}
    read = {key: most_read(size) for key, size in sizes.items()}
    if large := [entry for entry in entries if read[id(entry)] < MAX_MATCHED]:
        yield singly(large, bits)
    for layer in apart(entry for entry in entries if read[id(entry)] == MAX_MATCHED):
        first, total = 0, 0
        for at, entry in enumerate(layer):
            total += sizes[id(entry)]
            if total > MAX_PROGRAM:
                yield patterns(layer[first:at], bits)
                first, total = at, sizes[id(entry)]
        yield patterns(layer[first:], bits)
