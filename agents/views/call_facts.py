"""All that the page of one tool call says, from headline to result."""

from datetime import timedelta
from typing import Any

from agents import around, halts, looked_up, timeline, visibility
from agents.approval import blocks, editing, eligibility
from agents.executing import late_results, settling
from agents.models import ToolCall
from agents.states import TERMINAL, Status
from agents.views import bodies, call_changes, call_ends, call_people, previews
from agents.views.door import Request
from agents.views.inbox import votes
from audit import clock

STOPPED = (Status.PENDING, Status.APPROVED)


def facts(request: Request, call: ToolCall) -> dict[str, Any]:
    """Return the context of the page."""
    votes_given, votes_needed = votes(call)
    why_not = eligibility.why_not(call, request.user)
    found = {
        "call": call, "run": call.run, "now": clock.now(),
        "votes": votes_given, "needed": votes_needed, "still": votes_needed - votes_given,
        "why_not": why_not, "may_decide": not why_not,
        "may_edit": not why_not and not editing.why_not(call, request.user),
        "is_waiting": call.status == Status.PENDING, "is_lost": call.status == Status.LOST,
        "is_over": call.status in TERMINAL, **_let_go(request, call),
        "halted": halts.on(call.run.agent_id, call.tool_name) if call.status in STOPPED else "",
        "end": call_ends.words(call, is_requester=call.run.requester_id == request.user.pk),
        "blocked_by": call_people.blocked_by(call),
        "wants_step_up": _wants_step_up(request, call),
        **_what(request, call), **_around(request, call), **call_people.people(request, call),
        **call_people.blocked(call), "may_reopen": not blocks.may_reopen(call, request.user),
        "happenings": timeline.happenings([f"tool_call:{call.pk}"]),
    }  # fmt: skip
    return found | {"state": _state(call, found)}


def _let_go(request: Request, call: ToolCall) -> dict[str, Any]:
    """Return what a person may do about a call that was let go, and what came of it too late to count."""
    execution = getattr(call, "execution", None)
    is_asked = bool(execution and execution.is_cancel_asked)
    return {
        "may_stop": not is_asked and not settling.why_not_stop(call), "is_stop_asked": is_asked,
        "why_not_settle": settling.why_not_settle(call, request.user) if call.status == Status.LOST else "",
        "late_results": late_results.of(call),
    }  # fmt: skip


def _wants_step_up(request: Request, call: ToolCall) -> bool:
    """Tell whether the rule asks for a more recent second factor than this session has."""
    if call.sign_in_minutes is None or call.status != Status.PENDING:
        return False
    proved_at = request.sign_in.second_factor_at if request.sign_in else None
    return proved_at is None or proved_at < clock.now() - timedelta(minutes=call.sign_in_minutes)


def _state(call: ToolCall, found: dict[str, Any]) -> str:
    """Return what the forms of the page depend on: while it stays the same, they are left alone."""
    parts = [call.status, str(call.round), call.arguments_digest[:12], "yes" if found["may_decide"] else "no"]
    parts += ["glass"] if found["may_break_glass"] else []
    parts += ["stopping"] if found["is_stop_asked"] else []
    parts += [f"tool-{call.tool_version.state}"] if call.tool_version and call.tool_version.state != "enabled" else []
    parts += ["blocked"] if found["blocks"] else []
    parts += ["reviewed" if one.is_reviewed else "broken" for one in found["broken"]]
    return ".".join(parts)


def _what(request: Request, call: ToolCall) -> dict[str, Any]:
    declared = call.tool_version.declared if call.tool_version else {}
    may_view = visibility.may_view_bodies(request.user, call)
    (revision,) = looked_up.revisions(call.pk, call.revision)
    execution = getattr(call, "execution", None)
    sensitive = declared.get("sensitive_arguments", ())
    output = execution.output.encode() if execution else b""
    hidden = declared.get("sensitive_results", ())
    return {
        "declared": declared,
        "may_view": may_view,
        "revision": revision,
        "execution": execution,
        "arguments": bodies.read(bytes(revision.arguments), sensitive=sensitive, may_view=may_view),
        "result": bodies.read(output, sensitive=hidden, may_view=may_view) if output else None,
        "preview": previews.read(call.preview) if call.preview and may_view else None,
        **call_changes.read(call, sensitive=sensitive, may_view=may_view),
    }


def _around(request: Request, call: ToolCall) -> dict[str, Any]:
    found = around.of(call, request.user)
    return {
        "verdict": call.check_row.verdict if call.check_row else {"reasons": []},
        "policy": call.check_row.policy_version if call.check_row else None,
        "earlier": found.earlier, "similar": found.similar, "rejected_before": found.rejected_before,
    }  # fmt: skip
