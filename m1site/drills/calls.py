"""A staged call with every fact that REST would tell of a real one, so that it looks no different at a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from audit import canonical
from m1site.drills.scenario import Case
from m1site.drills.score import Answered
from policy import headline

GROUP = "approver"
OPEN_MINUTES, WAITED_MINUTES = 55, 5
MOST_EARLIER = 20
ENDS = {"approve": "succeeded", "reject": "rejected", "skip": "pending"}
NO_EDIT = "A drill changes nothing."


def call_of(case: Case, before: Sequence[Answered]) -> dict[str, Any]:
    """Return the call as `GET tool-calls/{requestId}` would tell it.

    before   what came earlier in the drill; calls of the same run are earlier calls of that run
    """
    now = datetime.now(UTC)
    since = (now - timedelta(minutes=WAITED_MINUTES)).isoformat()
    return {
        **_what(case), **_who(case), **_asked(case, since), **_rest(),
        "reason": case.reason, "createdAt": since, "around": _around(case, before),
        "expiresAt": (now + timedelta(minutes=OPEN_MINUTES)).isoformat(),
    }  # fmt: skip


def _what(case: Case) -> dict[str, Any]:
    tool, body = case.tool, canonical.encode(dict(case.arguments))
    promises = {
        "state": tool.state, "isReadOnly": tool.read_only, "reversibleWith": tool.reversible_with,
        "sensitiveArguments": [], "isExternal": tool.external,
    }  # fmt: skip
    preview = {"kind": "text", "summary": case.preview, "body": ""} if case.preview else None
    return {
        "requestId": str(uuid5(NAMESPACE_URL, f"drill:{case.id}")), "tool": tool.name, "risk": tool.risk,
        "headline": headline.render(tool.headline, case.arguments), "arguments": dict(case.arguments),
        "argumentsDigest": canonical.digest(body), "promises": promises, "preview": preview,
        "toolDigest": canonical.digest(f"{tool.name} {tool.state}".encode()),
        "previewState": "ready" if preview else "none",
    }  # fmt: skip


def _who(case: Case) -> dict[str, Any]:
    run = case.run
    return {
        "run": str(uuid5(NAMESPACE_URL, f"drill:{run.goal}")), "agent": run.agent, "requester": run.requester,
        "environment": run.environment, "goal": run.goal,
    }  # fmt: skip


def _asked(case: Case, since: str) -> dict[str, Any]:
    reason = {"rule": "drill", "sentence": case.rule, "effect": "review", "code": "rule_asks_review"}
    vote = {
        "person": case.vote, "onBehalfOf": None, "answer": "approve", "kind": "vote", "surface": "web", "round": 1,
        "comment": "", "isSelfApproval": False, "needsReview": False, "reviewedBy": None, "createdAt": since,
    }  # fmt: skip
    asked = {"round": 1, "count": case.needed, "groups": [GROUP]}
    return {
        "reasons": [reason],
        "outcome": "needs_approval",
        "requirements": [asked],
        "decisions": [vote] * bool(case.vote),
    }


def _around(case: Case, before: Sequence[Answered]) -> dict[str, Any]:
    mine = [_mention(one.case, ENDS[one.answer]) for one in reversed(before) if one.case.run == case.run]
    return {
        "requesterName": case.run.requester, "planner": "claude", "turn": len(mine) + 1, "turnText": case.said,
        "costUsd": f"{0.04 * (len(mine) + 1):.2f}", "budgetUsd": "5.00", "halted": "", "earlier": mine[:MOST_EARLIER],
        "similar": [], "rejectedBefore": _mention(case, "rejected") if case.was_rejected else None,
    }  # fmt: skip


def _mention(case: Case, status: str) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(hours=20)).isoformat()
    words = headline.render(case.tool.headline, case.arguments)
    return {"requestId": "", "headline": words, "status": status, "endedAt": at}


def _rest() -> dict[str, Any]:
    """Return what is the same for each: nothing special has happened to it."""
    return {
        "status": "pending", "note": "", "round": 1, "policyVersion": 1, "signInMinutes": None, "allowSelf": False,
        "edits": [], "blocked": {"isBlocked": False, "repeats": 0}, "isSuperseded": False, "onBehalfOf": None,
        "escalateAt": None, "escalatedAt": None, "escalationGroups": [], "whyNot": "", "whyNotEdit": NO_EDIT,
    }  # fmt: skip
