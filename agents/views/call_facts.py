"""All that the page of one tool call says, from headline to result."""

from typing import Any

from agents import eligibility, timeline, visibility
from agents.models import Decision, ToolCall
from agents.states import TERMINAL, Status
from agents.views import bodies, previews
from agents.views.door import Request
from agents.views.inbox import votes
from audit import clock

MOST_EARLIER, MOST_SIMILAR = 20, 5


def facts(request: Request, call: ToolCall) -> dict[str, Any]:
    """Return the context of the page."""
    votes_given, votes_needed = votes(call)
    why_not = eligibility.why_not(call, request.user)
    return {
        "call": call, "run": call.run, "now": clock.now(),
        "votes": votes_given, "needed": votes_needed,
        "why_not": why_not, "may_decide": not why_not,
        "is_waiting": call.status == Status.PENDING, "is_lost": call.status == Status.LOST,
        "is_over": call.status in TERMINAL,
        "state": f"{call.status}.{call.round}.{call.arguments_digest[:12]}.{'no' if why_not else 'yes'}",
        **_what(request, call), **_around(request, call), **_people(call),
        "happenings": timeline.happenings([f"tool_call:{call.pk}"]),
    }  # fmt: skip


def _what(request: Request, call: ToolCall) -> dict[str, Any]:
    declared = call.tool_version.declared if call.tool_version else {}
    may_view = visibility.may_view_bodies(request.user, call)
    revision = call.revisions.get(number=call.revision)
    execution = getattr(call, "execution", None)
    sensitive = declared.get("sensitive_results", ())
    output = execution.output.encode() if execution else b""
    return {
        "declared": declared, "may_view": may_view, "revision": revision, "execution": execution,
        "arguments": bodies.read(
            bytes(revision.arguments), sensitive=declared.get("sensitive_arguments", ()), may_view=may_view
        ),
        "result": bodies.read(output, sensitive=sensitive, may_view=may_view) if output else None,
        "preview": previews.read(call.preview) if call.preview and may_view else None,
    }  # fmt: skip


def _around(request: Request, call: ToolCall) -> dict[str, Any]:
    visible = visibility.calls_visible_to(request.user).exclude(pk=call.pk)
    rejected = visible.filter(tool_name=call.tool_name, arguments_digest=call.arguments_digest, status=Status.REJECTED)
    similar = visible.filter(tool_name=call.tool_name, ended_at__isnull=False).exclude(run_id=call.run_id)
    return {
        "verdict": call.check_row.verdict if call.check_row else {"reasons": []},
        "policy": call.check_row.policy_version if call.check_row else None,
        "earlier": call.run.tool_calls.filter(request_id__lt=call.pk).order_by("-request_id")[:MOST_EARLIER],
        "similar": similar.order_by("-ended_at")[:MOST_SIMILAR],
        "rejected_before": rejected.order_by("-ended_at").first(),
    }


def _people(call: ToolCall) -> dict[str, Any]:
    decisions = sorted(call.decisions.all(), key=lambda one: one.created_at)
    current = [one for one in decisions if one.round == call.round]
    return {
        "requirements": [one for one in call.requirements.all() if one.round == call.round],
        "decisions": current,
        "superseded": [one for one in decisions if one.round != call.round],
        "rejection": next((one for one in current if one.answer == Decision.Answer.REJECT), None),
    }
