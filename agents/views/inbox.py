"""The inbox: what waits for me, then what waits for others; what is riskiest and expires first stands on top."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agents import eligibility, visibility
from agents.models import Decision, ToolCall
from agents.states import Status
from agents.views.door import Request, live, signed_in
from audit import clock

PER_PAGE = 20
RISKS = ("critical", "high", "medium")
_RISK = Case(*(When(risk=word, then=Value(place)) for place, word in enumerate(RISKS)), default=Value(len(RISKS)))


@dataclass(frozen=True)
class Row:
    """A call in a list, with how many people said yes and how many it takes."""

    call: ToolCall
    votes: int
    needed: int


@signed_in
@require_safe
def page(request: Request, /) -> HttpResponse:
    """Show what waits; asked for the live part, only that."""
    context = _context(request)
    if request.htmx:
        return live(request, "agents/_inbox.html", context)
    return render(request, "agents/inbox.html", context)


def rows(calls: Iterable[ToolCall]) -> list[Row]:
    """Return rows of calls whose requirements and decisions are loaded already."""
    return [Row(call, *votes(call)) for call in calls]


def votes(call: ToolCall) -> tuple[int, int]:
    """Return how many approved in the current round, and how many it asks for."""
    current = [one for one in call.decisions.all() if one.round == call.round]
    said_yes = [one for one in current if one.answer == Decision.Answer.APPROVE]
    return len(said_yes), sum(one.count for one in call.requirements.all() if one.round == call.round)


def _context(request: Request) -> dict[str, Any]:
    visible = visibility.calls_visible_to(request.user)
    mine = eligibility.waiting_for(request.user)
    others = visible.filter(status=Status.PENDING).exclude(pk__in=mine.values("pk"))
    lost = _page(visible.filter(status=Status.LOST), request, "lost")
    first, second = _page(mine, request, "page"), _page(others, request, "others")
    ended = visible.filter(ended_at__isnull=False).order_by("-ended_at")
    return {
        "now": clock.now(), "lost": lost, "lost_rows": rows(lost), "mine": first, "mine_rows": rows(first),
        "others": second, "other_rows": rows(second),
        "last": ended.only("pk", "headline", "status", "ended_at").first(),
    }  # fmt: skip


def _page(calls: QuerySet[ToolCall], request: Request, name: str) -> Page[ToolCall]:
    loaded = calls.select_related("run__agent", "run__requester").prefetch_related("requirements", "decisions")
    ordered = loaded.defer("preview", "run__config").order_by(_RISK, "expires_at", "request_id")
    return Paginator(ordered, PER_PAGE).get_page(request.GET.get(name))
