"""Kinds of values that can be compared, each only with its own kind.

A number is a JSON number: true is not one, a text of digits is not one. Decimals, dates and times travel as texts in
JSON; a rule says so: `value: {decimal: "100.00"}`, `{date: "2026-01-31"}`, `{time: "2026-01-31T12:00:00Z"}`.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from policy.arguments import MISSING, Seen
from policy.errors import UnjudgedError

_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A value that JSON can only write as a text: `{decimal: "1.50"}`."""

    kind: str
    text: str


Scalar: TypeAlias = str | int | float | bool | Typed
Value: TypeAlias = Scalar | tuple[Scalar, ...] | None
Comparable: TypeAlias = Any  # of one kind each: str, int or float, bool, Decimal, date, aware datetime


def describe(value: Seen) -> str:
    """Return what a value is, in words."""
    if value is None or value is MISSING:
        return "nothing"
    words = {str: "a text", bool: "true or false", list: "a list", dict: "an object"}
    return words.get(type(value), "a number")


def text(value: Seen) -> str:
    """Return a text, or refuse."""
    if not isinstance(value, str):
        raise UnjudgedError(problem=f"is {describe(value)}, not a text")
    return value


def number(value: Seen) -> int | float:
    """Return a finite JSON number, or refuse; NaN would compare with nothing and pass a search as equal."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnjudgedError(problem=f"is {describe(value)}, not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise UnjudgedError(problem="is not a finite number")
    return value


def boolean(value: Seen) -> bool:
    """Return true or false, or refuse."""
    if not isinstance(value, bool):
        raise UnjudgedError(problem=f"is {describe(value)}, not true or false")
    return value


def decimal(value: Seen) -> Decimal:
    """Return the decimal that a text like `-12.50` writes, or refuse."""
    return Decimal(_written(value, _DECIMAL, "a decimal like 12.50"))


def day(value: Seen) -> date:
    """Return the date that a text like `2026-01-31` writes, or refuse."""
    written = _written(value, _DATE, "a date like 2026-01-31")
    with _calendar():
        return date.fromisoformat(written)


def instant(value: Seen) -> datetime:
    """Return the moment that an RFC 3339 text with its offset writes, or refuse."""
    written = _written(value, _TIME, "a time like 2026-01-31T12:00:00Z")
    with _calendar():
        return datetime.fromisoformat(written)


def _written(value: Seen, form: re.Pattern[str], name: str) -> str:
    if not form.fullmatch(text(value)):
        raise UnjudgedError(problem=f"is not {name}")
    return text(value)


@contextmanager
def _calendar() -> Iterator[None]:
    try:
        yield
    except ValueError:
        raise UnjudgedError(problem="is not in the calendar") from None


READERS: dict[str, Callable[[Seen], Comparable]] = {
    "text": text,
    "number": number,
    "boolean": boolean,
    "decimal": decimal,
    "date": day,
    "time": instant,
}
ORDERED = frozenset({"number", "decimal", "date", "time"})
TYPED = frozenset({"decimal", "date", "time"})


def kind_of(value: Scalar) -> str:
    """Return the kind of a rule's value."""
    if isinstance(value, Typed):
        return value.kind
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def comparable(value: Scalar) -> Comparable:
    """Return a rule's value as its kind compares it; raises UnjudgedError where it is not well written."""
    return READERS[kind_of(value)](value.text if isinstance(value, Typed) else value)
