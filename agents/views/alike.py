"""Calls of one agent that ask for exactly the same, one row each: sorted, counted and cut to pages by the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Case, CharField, Count, Func, IntegerField, Min, QuerySet, Value, When, Window
from django.db.models.functions import Cast

from agents.models import ToolCall

PER_PAGE = 20
SAME = ("run__agent_id", "tool_name", "arguments_digest")
RISKS = ("critical", "high", "medium")
RISK = Case(*(When(risk=word, then=Value(place)) for place, word in enumerate(RISKS)), default=Value(len(RISKS)))


class _Sum(Func):
    """SUM over a window of groups; Django's own Sum takes no aggregate."""

    function = "SUM"
    window_compatible = True
    output_field = IntegerField()


@dataclass(frozen=True, slots=True)
class Groups:
    """A page of groups.

    sizes   how many calls each has, by the first of them; the riskiest and soonest to expire on top
    calls   how many calls all groups of all pages have
    """

    page: Page[int]
    sizes: Mapping[UUID, int]
    calls: int


def grouped(calls: QuerySet[ToolCall], wanted: str) -> Groups:
    """Return the wanted page of the calls in groups; a page that does not exist is the nearest that does."""
    found = _grouped(calls)
    start = (max(int(wanted), 1) - 1) * PER_PAGE if wanted.isdecimal() and len(wanted) < 7 else 0
    rows = list(found[start : start + PER_PAGE])
    if not rows and start:
        last = Paginator(found, PER_PAGE).num_pages
        start, rows = (last - 1) * PER_PAGE, list(found[(last - 1) * PER_PAGE :])
    count, total = (rows[0]["groups"], rows[0]["calls"]) if rows else (0, 0)
    page = Paginator(range(count), PER_PAGE).get_page(start // PER_PAGE + 1)
    return Groups(page, {UUID(row["first"]): row["size"] for row in rows}, int(total))


def of(call: ToolCall, calls: QuerySet[ToolCall]) -> QuerySet[ToolCall]:
    """Return those of the calls that ask for exactly the same as this one, itself among them."""
    same = {"tool_name": call.tool_name, "arguments_digest": call.arguments_digest}
    return calls.filter(run__agent_id=call.run.agent_id, **same)


def _grouped(calls: QuerySet[ToolCall]) -> QuerySet[ToolCall, dict[str, Any]]:
    size = Count("request_id")
    found: QuerySet[ToolCall, dict[str, Any]] = calls.order_by().values(*SAME)
    found = found.annotate(
        size=size, first=Min(Cast("request_id", CharField())), soonest=Min("expires_at"), riskiest=Min(RISK),
        groups=Window(Count("*")), calls=Window(_Sum(size)),
    )  # fmt: skip
    return found.order_by("riskiest", "soonest", "first")
