"""Calls of one agent that ask for exactly the same, one row each: a walk along the order of the inbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast

from agents.approval.waiting import MOST, Count
from agents.models import ToolCall
from agents.views.paging import Page

Kind: TypeAlias = tuple[str, str | None]
PER_PAGE = 20
MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class Size:
    """How many calls a group has besides its first; `at_least` where the walk ended before the list did."""

    more: int
    at_least: bool

    def __bool__(self) -> bool:
        return self.more > 0

    def __str__(self) -> str:
        return f"at least {self.more}" if self.at_least else str(self.more)


@dataclass(frozen=True, slots=True)
class Groups:
    """A page of groups.

    sizes   by the first call of each; the riskiest and soonest to expire on top
    calls   how many calls all groups of all pages have
    kinds   tool and agent of each, as far as the walk came
    """

    page: Page[UUID]
    sizes: Mapping[UUID, Size]
    calls: Count
    kinds: frozenset[Kind]


@dataclass(slots=True)
class _Group:
    first: str
    kind: Kind
    size: int = 0


def grouped(calls: QuerySet[ToolCall], number: int) -> Groups:
    """Return a page of the calls, which stand in the order of the inbox, in groups; the nearest page that exists."""
    number = min(number, MOST_PAGES)
    groups: dict[str, _Group] = {}
    counted = read = _read(calls, groups)
    while read == MOST and len(groups) <= number * PER_PAGE:
        read = _read(_others(calls, groups), groups)
    is_all = counted < MOST
    pages = max(1, -(-len(groups) // PER_PAGE))
    number = min(number, pages)
    shown = list(groups.values())[(number - 1) * PER_PAGE : number * PER_PAGE]
    has_next = number < min(pages, MOST_PAGES)
    sizes = {UUID(group.first): Size(group.size - 1, not is_all) for group in shown}
    page = Page(list(sizes), number, has_next, pages if is_all else None)
    return Groups(page, sizes, Count(counted), frozenset(group.kind for group in groups.values()))


def of(call: ToolCall, calls: QuerySet[ToolCall]) -> QuerySet[ToolCall]:
    """Return those of the calls that ask for exactly the same as this one, itself among them."""
    same = {"tool_name": call.tool_name, "arguments_digest": call.arguments_digest}
    return calls.filter(run__agent_id=call.run.agent_id, **same)


def as_text(field: str) -> Cast:
    """Return a key as the database writes it: a thousand objects, of which few are looked at, take their time."""
    return Cast(field, CharField(max_length=36))


def _read(calls: QuerySet[ToolCall], groups: dict[str, _Group]) -> int:
    """Put the first MOST calls into their groups, and return how many there were."""
    rows = list(calls.values_list(as_text("pk"), "like_key", "tool_name", as_text("agent"))[:MOST])
    for pk, key, tool, agent in rows:
        groups.setdefault(key or pk, _Group(pk, (tool, agent))).size += 1
    return len(rows)


def _others(calls: QuerySet[ToolCall], groups: Mapping[str, _Group]) -> QuerySet[ToolCall]:
    """Return the calls of groups that the walk has not met."""
    met = [group.first for group in groups.values()]
    return calls.exclude(like_key__in=[key for key in groups if key]).exclude(pk__in=met)
