"""The tool calls of REST, with all that their answers tell of them loaded in a fixed number of queries."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Prefetch, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from agents import visibility
from agents.api.call_answers import CallDetail
from agents.approval import delegations, eligibility, opened
from agents.approval.seen import Seen
from agents.errors import InvalidFieldError, NotFoundError
from agents.models import Decision, RequirementGroup, ToolCall
from agents.visibility import User, group_names
from audit import clock
from audit.once import for_this_page
from audit.rest import caller

DECISIONS = Prefetch(
    "decisions", Decision.objects.select_related("person", "on_behalf_of", "review").order_by("created_at")
)
BROKEN_GLASS = Prefetch("decisions", Decision.objects.filter(kind=Decision.Kind.BREAK_GLASS).select_related("review"))


def visible(request: Request, request_id: UUID) -> ToolCall:
    """Return a call that the caller may see. Raises NotFoundError, the same for all others."""
    rows = visibility.calls_visible_to(caller(request)).select_related(
        "run__agent", "run__requester", "turn", "tool_version__tool", "check_row__policy_version", "execution"
    )
    rows = rows.defer("turn__request", "turn__reply").prefetch_related("requirements__groups", DECISIONS, "revisions")
    call = rows.filter(pk=request_id).first()
    if call is None:
        raise NotFoundError(thing="tool call")
    return call


def told(request: Request, request_id: UUID) -> Response:
    """Return the answer that tells a call as it is now."""
    with for_this_page():
        return Response(CallDetail(visible(request, request_id), context={"request": request}).data)


def listed(calls: QuerySet[ToolCall]) -> QuerySet[ToolCall]:
    """Return the calls of a list with what each row tells."""
    rows = calls.select_related("run__agent", "run__requester").defer("preview", "run__config")
    return rows.prefetch_related(BROKEN_GLASS)


def places(user: User, calls: Sequence[ToolCall]) -> dict[UUID, str]:
    """Return which of the calls that wait for a person do so in the place of somebody who is away, and of whom."""
    keys = [call.pk for call in calls]
    groups = RequirementGroup.objects.filter(requirement__call__in=keys, name__in=group_names(user))
    now = groups.filter(requirement__round=F("requirement__call__round"))
    mine, found = set(now.values_list("requirement__call_id", flat=True)), dict[UUID, str]()
    for away in delegations.acting_for(user):
        theirs = eligibility.waiting_for(away).filter(pk__in=keys).values_list("pk", flat=True)
        for key in set(theirs) - mine - found.keys():
            found[key] = away.get_username()
    return found


def seen(request: Request, request_id: UUID, body: dict[str, Any]) -> Seen:
    """Return what was seen, and where: the command line says so itself, with its key."""
    surface = Decision.Surface.CLI if request.headers.get("M1-Surface") == "cli" else Decision.Surface.API
    sign_in = getattr(request._request, "sign_in", None)
    return Seen(
        body["arguments_digest"], body["round"], surface, sign_in, **_looked(request, request_id, body),
        focus_seconds=body.get("focus_seconds"), expanded=tuple(body["expanded"]),
    )  # fmt: skip


def _looked(request: Request, request_id: UUID, body: dict[str, Any]) -> dict[str, Any]:
    """Return what was shown and for how long: by M1's own mark, where the client sends it back, else by its report."""
    reported = body.get("open_seconds")
    if "shown_mark" not in body:
        return {"open_seconds": reported}
    known = opened.read(
        body["shown_mark"], request_id=request_id, person=caller(request), digest=body["arguments_digest"],
        round_=body["round"],
    )  # fmt: skip
    if known is None:
        raise InvalidFieldError(field="shownMark", problem="was not made for you and for the call that you name")
    seconds = (clock.now() - known.at).total_seconds()
    return {"open_seconds": seconds if reported is None else min(reported, seconds), "shown": known.shown}
