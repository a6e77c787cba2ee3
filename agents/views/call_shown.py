"""All that the approval page says about a call, as plain facts in the page's order: their digest stays on record."""

from collections.abc import Iterable, Mapping
from typing import Any

from agents.approval import shown_facts
from agents.approval.shown_facts import Shown
from agents.models import Decision, ToolCall
from agents.views.bodies import Body, Value
from agents.views.call_changes import Changed

FORM, DESK_FORM = "approval page 1", "confirmation page 1"


def of(found: Mapping[str, Any]) -> Shown:
    """Return the digest and length of what a page with this context shows: no ages, nothing but facts."""
    call: ToolCall = found["call"]
    return shown_facts.of(
        {
            "form": FORM, "call": call.pk, "round": call.round, "headline": call.headline, "status": call.status,
            "risk": call.risk, "expires_at": call.expires_at, "votes": [found["votes"], found["needed"]],
            "halted": str(found["halted"]), "what": _what(found, call), "effect": _effect(found, call),
            "why": _why(found, call), "context": _context(found, call), "people": _people(found, call),
        }
    )  # fmt: skip


def at_the_desk(found: Mapping[str, Any]) -> Shown:
    """Return the same of what the admin's confirmation page shows about one call."""
    call: ToolCall = found["call"]
    return shown_facts.of(
        {
            "form": DESK_FORM, "call": call.pk, "round": call.round, "headline": call.headline, "risk": call.risk,
            "tool": call.tool_name, "agent": call.run.agent.name, "requester": call.run.requester.get_username(),
            "environment": call.run.environment, "expires_at": call.expires_at, "digest": call.arguments_digest,
            "arguments": body(found["arguments"]), "effect": _effect(found, call), "why": _sentences(found),
            "reason": call.reason,
        }
    )  # fmt: skip


def body(found: Body) -> dict[str, Any]:
    """Return arguments as they were shown: hidden ones by their length alone."""
    return {"values": list(map(_value, found.values)), "raw": found.raw, "bytes": found.bytes}


def _value(value: Value | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"name": value.name, "text": value.text, "bytes": value.bytes, "is_hidden": value.is_hidden,
            "mixed": value.mixed, "gaps": value.gaps}  # fmt: skip


def _what(found: Mapping[str, Any], call: ToolCall) -> dict[str, Any]:
    version = call.tool_version
    changed: Iterable[Changed] = found["changed"]
    return {
        "tool": call.tool_name, "version": version.digest if version else "", "state": version.state if version else "",
        "revision": call.revision, "digest": call.arguments_digest, "arguments": body(found["arguments"]),
        "changed": [[one.name, _value(one.before), _value(one.after)] for one in changed],
    }  # fmt: skip


def _effect(found: Mapping[str, Any], call: ToolCall) -> dict[str, Any]:
    preview, declared = found["preview"], found["declared"]
    names = ("read_only", "reversible_with", "external")
    return {
        "preview": [preview.kind, preview.summary, preview.body] if preview else call.preview_state,
        "declared": {name: declared.get(name) for name in names},
    }


def _why(found: Mapping[str, Any], call: ToolCall) -> dict[str, Any]:
    policy = found["policy"]
    return {
        "sentences": _sentences(found),
        "policy": [policy.number, policy.digest] if policy else None,
        "agent": call.reason,
    }


def _context(found: Mapping[str, Any], call: ToolCall) -> dict[str, Any]:
    run, twin = call.run, found["rejected_before"]
    return {
        "requester": run.requester.get_username(), "agent": run.agent.name, "environment": run.environment,
        "cost": [run.cost_usd, run.budget_usd], "goal": run.goal, "turn": [call.turn.number, call.turn.text],
        "earlier": [[one.pk, one.headline, one.status] for one in found["earlier"]],
        "similar": [[one.pk, one.headline, one.status, _answers(one.decisions.all())] for one in found["similar"]],
        "rejected_before": twin.pk if twin else None,
    }  # fmt: skip


def _people(found: Mapping[str, Any], call: ToolCall) -> dict[str, Any]:
    votes: Iterable[Decision] = [*found["decisions"], *found["superseded"]]
    return {
        "needs": [[need.count, need.groups] for need in found["needs"]],
        "answers": _answers(votes),
        "escalated_at": call.escalated_at, "reminders": call.reminders,
    }  # fmt: skip


def _answers(votes: Iterable[Decision]) -> list[list[Any]]:
    return [[one.pk, one.person_name, one.answer, one.kind, one.comment] for one in votes]


def _sentences(found: Mapping[str, Any]) -> list[str]:
    return [reason["sentence"] for reason in found["verdict"]["reasons"]]
