"""The inbox: what waits for me, then what waits for others; what is riskiest and expires first stands on top.

Calls of one agent that ask for exactly the same stand in one row; each is still decided by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from agents import visibility
from agents.approval import batches, waiting
from agents.models import Decision, ToolCall
from agents.states import Status
from agents.views import alike, break_glass, filters, paging
from agents.views.door import Request, live, signed_in
from audit import clock

_OF_REQUESTER = ("username", "first_name", "last_name")
SHOWN = [
    *"headline tool_name risk status round created_at expires_at escalated_at sign_in_minutes".split(),
    "run__planner", "run__agent__name", "run__agent__owner", *(f"run__requester__{name}" for name in _OF_REQUESTER),
]  # fmt: skip
FEW = 5
"""So many rows are read at a glance: nobody narrows them."""
LOOKED_BACK = 200
"""How many calls that came to rest are looked through for the last one that a person may see."""


@dataclass(frozen=True)
class Row:
    """A call in a list, with how many people said yes and how many it takes.

    more       how many further calls of the same agent ask for exactly the same
    for_whom   the person who is away, where only their place is open to the one who looks
    """

    call: ToolCall
    votes: int
    needed: int
    more: alike.Size = alike.Size(0, at_least=False)
    for_whom: AbstractUser | None = None

    @property
    def may_join(self) -> bool:
        """Whether nothing about the call asks for a decision by itself, so that it can be chosen with others."""
        return self.call.status == Status.PENDING and not batches.why_not_together(self.call, self.call.tool_name)

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
    chosen, desk = filters.read(request.GET), waiting.desk(request.user)
    mine, others = (
        alike.grouped(chosen.of(calls), paging.wanted(request.GET.get(name)))
        for calls, name in ((desk.mine, "page"), (desk.others, "others"))
    )
    loaded = _loaded(ToolCall.objects.filter(pk__in=[*mine.sizes, *others.sizes])).in_bulk()
    return {
        "now": clock.now(), "filters": chosen, "kept": chosen.kept,
        "is_narrowable": bool(chosen) or mine.calls.number + others.calls.number > FEW,
        **_narrowed(desk, chosen, mine, others),
        **_lost(request, desk, chosen), "to_review": break_glass.to_review(request),
        "mine": mine, "mine_rows": _rows(mine, loaded, desk),
        "others": others, "other_rows": _rows(others, loaded), "last": None if mine.calls else _last(desk),
    }  # fmt: skip


def _narrowed(desk: waiting.Desk, chosen: filters.Filters, mine: alike.Groups, others: alike.Groups) -> dict[str, Any]:
    """Return what there is without the filters: how much waits for the person, and what they can narrow to."""
    if not chosen:
        return {"inbox_count": mine.calls, "choices": filters.choices(mine.kinds | others.kinds, chosen)}
    kinds = filters.kinds_of(desk.mine)
    listed = [*kinds, *others.kinds] if kinds else filters.kinds_of(desk.others)
    return {"inbox_count": waiting.Count(len(kinds)), "choices": filters.choices(listed, chosen)}


def _lost(request: Request, desk: waiting.Desk, chosen: filters.Filters) -> dict[str, Any]:
    if not ToolCall.objects.filter(status=Status.LOST).exists():
        return {"lost_rows": []}
    found = chosen.of(visibility.calls_in(desk.sight).filter(status=Status.LOST))
    page = paging.page(_loaded(found).order_by("request_id"), request.GET.get("lost"), alike.PER_PAGE)
    count = waiting.count(found) if page.rows else 0
    return {"lost": page, "lost_count": count, "lost_rows": [Row(call, *votes(call)) for call in page.rows]}


def _last(desk: waiting.Desk) -> ToolCall | None:
    """Return what came to rest last, among the latest that did, however few of all a person may see."""
    latest = ToolCall.objects.filter(ended_at__isnull=False).order_by("-ended_at")[:LOOKED_BACK]
    visible = visibility.calls_in(desk.sight).filter(pk__in=list(latest.values_list("pk", flat=True)))
    return visible.order_by("-ended_at").only("pk", "headline", "status", "ended_at").first()


def _alike(request: Request) -> dict[str, Any]:
    """Return the pending calls that are exactly like the one that the address names."""
    visible = visibility.calls_visible_to(request.user)
    try:
        key = UUID(request.GET["like"])
    except ValueError:
        raise Http404 from None
    call = get_object_or_404(visible.select_related("run__agent"), pk=key)
    is_mine = alike.of(call, waiting.for_person(request.user)).exists()
    found = alike.of(call, visible.filter(status=Status.PENDING))
    shown = paging.page(_loaded(found).order_by(*waiting.ORDER), request.GET.get("page"), alike.PER_PAGE)
    rows = [Row(one, *votes(one)) for one in shown.rows]
    return {"now": clock.now(), "alike": call, "page": shown, "rows": rows, "alike_count": waiting.count(found),
            "kept": f"&like={call.pk}", "is_mine": is_mine}  # fmt: skip


def _rows(groups: alike.Groups, calls: Mapping[UUID, ToolCall], desk: waiting.Desk | None = None) -> list[Row]:
    found = [(calls[key], size) for key, size in groups.sizes.items() if key in calls]
    return [Row(call, *votes(call), size, _for_whom(call, desk) if desk else None) for call, size in found]


def _loaded(calls: QuerySet[ToolCall]) -> QuerySet[ToolCall]:
    loaded = calls.select_related("run__agent", "run__requester").prefetch_related(
        "requirements__groups", "decisions__review"
    )
    return loaded.only(*SHOWN)


def _for_whom(call: ToolCall, desk: waiting.Desk) -> AbstractUser | None:
    """Return whose place the person would take, None for their own; the page of the call says it for certain."""
    if not desk.away:
        return None
    current = [one for one in call.requirements.all() if one.round == call.round]
    asked = {name for one in current for name in one.group_names}
    behind = {call.run.requester_id, call.run.agent.owner_id}
    if desk.sight.groups & asked:
        return None
    return next((one for one, groups in desk.away if groups & asked and one.pk not in behind), None)
