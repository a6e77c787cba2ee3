"""From an operator's value in a rule to the test that judges an argument; a value that cannot work is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import re2

from audit.canonical import JSON
from policy.arguments import MISSING, Seen
from policy.errors import UnjudgedError
from policy.operators import kinds, places
from policy.operators.kinds import Comparable, Value
from policy.operators.scalars import MAX_SAFE, MAX_TEXT, scalar
from policy.reading import Path, integer, once, sequence, text, texts, wrong

Test: TypeAlias = Callable[[Seen], bool]
JSON_TYPES = {"number": frozenset({"integer", "number"}), "boolean": frozenset({"boolean"})}
TEXTS = frozenset({"string"})
MAX_VALUES, MAX_PATTERN, MAX_MATCHED = 1_000, 500, 10_000
MAX_WORK = 10_000_000
"""Instructions of a pattern times characters of a text: a tenth of a second where RE2 has to try them all."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rule's value, the test it makes, and the JSON Schema types an argument may have for it (none: any)."""

    value: Value
    test: Test
    types: frozenset[str] = TEXTS


def compared(holds: Callable[[Comparable, Comparable], bool], *, ordered: bool) -> Callable[[JSON, Path], Prepared]:
    """Return what prepares a comparison with one value, of a kind that has an order where one is needed."""

    def prepare(raw: JSON, path: Path) -> Prepared:
        value = scalar(raw, path)
        kind = kinds.kind_of(value)
        if ordered and kind not in kinds.ORDERED:
            raise wrong(path, "must be a number, or {decimal: ...}, {date: ...} or {time: ...}")
        read, wanted = kinds.READERS[kind], kinds.comparable(value)
        return Prepared(value, lambda seen: holds(read(seen), wanted), JSON_TYPES.get(kind, TEXTS))

    return prepare


def member(*, inside: bool) -> Callable[[JSON, Path], Prepared]:
    """Return what prepares membership in a list of values of one kind."""

    def prepare(raw: JSON, path: Path) -> Prepared:
        entries = sequence(raw, path, least=1, most=MAX_VALUES)
        values = tuple(scalar(entry, (*path, position)) for position, entry in enumerate(entries))
        found = {kinds.kind_of(value) for value in values}
        if len(found) > 1:
            raise wrong(path, f"mixes kinds of values: {', '.join(sorted(found))}")
        kind = found.pop()
        members = [kinds.comparable(value) for value in values]
        once(members, path)
        read, known = kinds.READERS[kind], frozenset(members)
        return Prepared(values, lambda seen: (read(seen) in known) == inside, JSON_TYPES.get(kind, TEXTS))

    return prepare


def affix(holds: Callable[[str, str], bool]) -> Callable[[JSON, Path], Prepared]:
    """Return what prepares a test on a part of a text; letters count exactly as they are written."""

    def prepare(raw: JSON, path: Path) -> Prepared:
        part = text(raw, path, most=MAX_TEXT)
        return Prepared(part, lambda seen: holds(kinds.text(seen), part))

    return prepare


def pattern_options() -> re2.Options:
    """Return how patterns are compiled: in silence, without groups."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    return options


def most_read(size: int) -> int:
    """Return how many characters a pattern of so many instructions may read; a large one, like `.{1000}`, fewer."""
    return min(MAX_MATCHED, MAX_WORK // size)


def pattern(raw: JSON, path: Path) -> Prepared:
    """Prepare a linear-time regular expression that must match the whole text, anchored or not."""
    written = text(raw, path, most=MAX_PATTERN)
    try:
        expression = re2.compile(written, pattern_options())
    except re2.error as exc:
        raise wrong(path, f"is not an RE2 pattern: {_why(exc)}") from None
    most = most_read(expression.programsize)

    def test(seen: Seen) -> bool:
        if len(kinds.text(seen)) > most:
            raise UnjudgedError(problem=f"is longer than the {most} characters this pattern may read")
        try:
            return expression.fullmatch(seen) is not None
        except UnicodeError:
            raise UnjudgedError(problem="holds half a character (a lone surrogate)") from None

    return Prepared(written, test)


def directory(raw: JSON, path: Path) -> Prepared:
    """Prepare containment in a directory, which is a plain path other than the root."""
    written = text(raw, path, most=MAX_TEXT)
    try:
        inside = places.segments(written)
    except UnjudgedError as exc:
        raise wrong(path, exc.problem) from None
    if not inside[1]:
        raise wrong(path, "is the root, which everything is inside of; leave the condition out")
    return Prepared(written, lambda seen: places.is_inside(seen, inside))


def hosts(read: Callable[[Seen], str]) -> Callable[[JSON, Path], Prepared]:
    """Return what prepares membership in a list of host names; a subdomain is another host."""

    def prepare(raw: JSON, path: Path) -> Prepared:
        hint = "must be a bare host name in small letters, without @, *, port or path"
        names = texts(raw, path, least=1, most=MAX_VALUES, pattern=places.DOMAIN, hint=hint)
        known = frozenset(names)
        return Prepared(names, lambda seen: read(seen) in known)

    return prepare


def length(holds: Callable[[int, int], bool]) -> Callable[[JSON, Path], Prepared]:
    """Return what prepares a bound on the characters of a text or the entries of a list."""

    def prepare(raw: JSON, path: Path) -> Prepared:
        bound = integer(raw, path, least=0, most=MAX_SAFE)
        return Prepared(bound, lambda seen: holds(_length(seen), bound), frozenset({"string", "array"}))

    return prepare


def presence(*, present: bool) -> Callable[[JSON, Path], Prepared]:
    """Return what prepares a test for a value being there; it takes no value of its own."""

    def prepare(raw: JSON, path: Path) -> Prepared:
        if raw is not None:
            raise wrong(path, "is not a field here: presence needs no value")
        return Prepared(None, lambda seen: (seen is not MISSING) == present, frozenset())

    return prepare


def _length(seen: Seen) -> int:
    if not isinstance(seen, str | list):
        raise UnjudgedError(problem=f"is {kinds.describe(seen)}, not a text or a list")
    return len(seen)


def _why(exc: Exception) -> str:
    reason = exc.args[0] if exc.args else "it does not compile"
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
