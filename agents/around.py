"""What stands around a call: the earlier ones of its run, the last ones of its tool in other runs, a rejected twin."""

from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from agents import visibility
from agents.models import Decision, ToolCall
from agents.states import Status
from agents.visibility import User

MOST_EARLIER, MOST_SIMILAR, MOST_COMPARED = 20, 5, 50
OUTLINE = ("request_id", "run_id", "tool_name", "headline", "status", "ended_at")


@dataclass(frozen=True)
class Around:
    """Calls that the person may see; the latest first.

    earlier           of the same run
    similar           of the same tool in other runs, come to rest, with what people answered; those with the same
                      headline, so the same target, come first
    rejected_before   of the same tool with the same arguments
    """

    earlier: QuerySet[ToolCall]
    similar: list[ToolCall]
    rejected_before: ToolCall | None


def of(call: ToolCall, user: User) -> Around:
    """Return what a person who decides about the call wants to know of others."""
    visible = visibility.calls_visible_to(user).exclude(pk=call.pk)
    rejected = visible.filter(tool_name=call.tool_name, arguments_digest=call.arguments_digest, status=Status.REJECTED)
    earlier = call.run.tool_calls.filter(request_id__lt=call.pk).order_by("-request_id")
    return Around(
        earlier=earlier[:MOST_EARLIER], similar=_similar(call, visible),
        rejected_before=rejected.order_by("-ended_at").first(),
    )  # fmt: skip


def _similar(call: ToolCall, visible: QuerySet[ToolCall]) -> list[ToolCall]:
    """Return the last of the tool's calls, the same target first: of so many only that the page stays quick."""
    found = visible.filter(tool_name=call.tool_name, ended_at__isnull=False).exclude(run_id=call.run_id)
    rows = list(found.order_by("-ended_at").only(*OUTLINE)[:MOST_COMPARED])
    rows = sorted(rows, key=lambda one: one.headline != call.headline)[:MOST_SIMILAR]
    prefetch_related_objects(rows, Prefetch("decisions", Decision.objects.order_by("created_at", "pk")))
    return rows
