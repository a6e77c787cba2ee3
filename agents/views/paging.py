"""Pages of lists that may be long: nobody counts further than a thousand to say how many pages there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet

from agents.approval.waiting import MOST

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list.

    number   of this page, from 1
    pages    how many there are; None where they were not counted to the end
    """

    rows: Sequence[Row]
    number: int
    has_next: bool
    pages: int | None

    @property
    def previous(self) -> int | None:
        """The number of the page before, None on the first."""
        return self.number - 1 or None

    @property
    def next(self) -> int | None:
        """The number of the page after, None on the last."""
        return self.number + 1 if self.has_next else None


def wanted(text: str | None) -> int:
    """Return the page that an address asks for; the first for anything that is no page's number."""
    is_number = text is not None and text.isascii() and text.isdecimal() and len(text) < 7
    return max(int(text or 1), 1) if is_number else 1


def page(found: QuerySet[Any], text: str | None, size: int) -> Page[Any]:
    """Return the page that an address asks for; for one that does not exist, the nearest that does."""
    counted = found.order_by()[:MOST].count()
    pages = max(1, -(-counted // size)) if counted < MOST else None
    number = min(wanted(text), pages) if pages else wanted(text)
    rows = _cut(found, number, size)
    if not rows and number > 1:
        number = MOST // size
        rows = _cut(found, number, size)
    return Page(rows[:size], number, len(rows) > size, pages)


def _cut(found: QuerySet[Any], number: int, size: int) -> list[Any]:
    return list(found[(number - 1) * size : number * size + 1])
