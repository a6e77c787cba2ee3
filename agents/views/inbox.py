"""The inbox: what waits for me, then what waits for others; what is riskiest and expires first stands on top.

Calls of one agent that ask for exactly the same stand in one row; each is still decided by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from agents import delegations, eligibility, visibility
from agents.models import Decision, ToolCall
from agents.states import Status
from agents.views import alike, break_glass
from agents.views.door import Request, live, signed_in
from audit import clock

Place: TypeAlias = tuple[AbstractUser, frozenset[str]]


@dataclass(frozen=True)
class Row:
    """A call in a list, with how many people said yes and how many it takes.

    more       how many further calls of the same agent ask for exactly the same
    for_whom   the person who is away, where only their place is open to the one who looks
    """

    call: ToolCall
    votes: int
    needed: int
    more: int = 0
    for_whom: AbstractUser | None = None

    @property
    def is_flagged(self) -> bool:
        """Whether somebody broke the glass for it and nobody has reviewed that."""
        kinds = [one for one in self.call.decisions.all() if one.kind == Decision.Kind.BREAK_GLASS]
        return any(not hasattr(one, "review") for one in kinds)


@signed_in
@require_safe
def page(request: Request, /) -> HttpResponse:
    """Show what waits, or the calls that are exactly like one; asked for the live part, only that."""
    is_alike = "like" in request.GET
    context = _alike(request) if is_alike else _context(request)
    part = "agents/_alike.html" if is_alike else "agents/_inbox.html"
    if request.htmx:
        return live(request, part, context)
    return render(request, "agents/inbox.html", context | {"part": part})


def votes(call: ToolCall) -> tuple[int, int]:
    """Return how many approved in the current round, and how many it asks for."""
    current = [one for one in call.decisions.all() if one.round == call.round]
    said_yes = [one for one in current if one.answer == Decision.Answer.APPROVE]
    return len(said_yes), sum(one.count for one in call.requirements.all() if one.round == call.round)


def _context(request: Request) -> dict[str, Any]:
    visible = visibility.calls_visible_to(request.user)
    mine = eligibility.waiting_for(request.user)
    others = visible.filter(status=Status.PENDING).exclude(pk__in=mine.values("pk"))
    lost = Paginator(_loaded(visible.filter(status=Status.LOST)).order_by("request_id"), alike.PER_PAGE)
    first, second = (
        alike.grouped(calls, request.GET.get(name, "")) for calls, name in ((mine, "page"), (others, "others"))
    )
    places = _places(request.user)
    ended = visible.filter(ended_at__isnull=False).order_by("-ended_at")
    return {
        "now": clock.now(), "lost": (lost_page := lost.get_page(request.GET.get("lost"))),
        "lost_rows": [Row(call, *votes(call)) for call in lost_page],
        "to_review": break_glass.to_review(request),
        "mine": first, "mine_rows": _rows(first.sizes, places), "inbox_count": first.calls,
        "others": second, "other_rows": _rows(second.sizes),
        "last": ended.only("pk", "headline", "status", "ended_at").first(),
    }  # fmt: skip


def _alike(request: Request) -> dict[str, Any]:
    """Return the pending calls that are exactly like the one that the address names."""
    visible = visibility.calls_visible_to(request.user)
    try:
        key = UUID(request.GET["like"])
    except ValueError:
        raise Http404 from None
    call = get_object_or_404(visible.select_related("run__agent"), pk=key)
    found = _loaded(alike.of(call, visible.filter(status=Status.PENDING))).order_by("expires_at", "request_id")
    shown = Paginator(found, alike.PER_PAGE).get_page(request.GET.get("page"))
    return {"now": clock.now(), "alike": call, "page": shown, "rows": [Row(one, *votes(one)) for one in shown]}


def _rows(sizes: Mapping[UUID, int], places: Sequence[Place] = ()) -> list[Row]:
    calls = _loaded(ToolCall.objects.filter(pk__in=sizes)).in_bulk()
    found = [(calls[key], size) for key, size in sizes.items() if key in calls]
    return [Row(call, *votes(call), size - 1, _for_whom(call, places)) for call, size in found]


def _loaded(calls: QuerySet[ToolCall]) -> QuerySet[ToolCall]:
    loaded = calls.select_related("run__agent", "run__requester").prefetch_related(
        "requirements__groups", "decisions__review"
    )
    return loaded.defer("preview", "run__config")


def _places(user: AbstractUser) -> list[Place]:
    """Return in whose places a person may decide, with the groups of each: their own first."""
    away = delegations.acting_for(user)
    return [(one, visibility.group_names(one)) for one in (user, *away)] if away else []


def _for_whom(call: ToolCall, places: Sequence[Place]) -> AbstractUser | None:
    """Return whose place the person would take, None for their own; the page of the call says it for certain."""
    if not places:
        return None
    current = [one for one in call.requirements.all() if one.round == call.round]
    asked = {name for one in current for name in one.group_names}
    behind = {call.run.requester_id, call.run.agent.owner_id}
    (_, own), *away = places
    return None if own & asked else next((one for one, groups in away if groups & asked and one.pk not in behind), None)
