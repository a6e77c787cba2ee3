"""Compare what happened outside with what M1 has on record. Shares no code with M1: it reads the tables by SQL.

python tests/faults/reconcile.py --database URL --effects FILE.json [--accepted FILE.json]
    [--counted TOOL]... [--moving]

effects    {request id: how often the server outside was told of an effect}
accepted   what REST answered 2xx to: {"runs": [id], "calls": [request id], "votes": [[request id, username, answer]]}
Prints a report in JSON. Exit code 0: nothing is wrong; 1: a promise is broken; 2: it could not look.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Json

RULES = Path(__file__).with_suffix(".sql")
COUNTED = ("effects.count",)
ACCEPTED: Mapping[str, Sequence[Any]] = {"runs": [], "calls": [], "votes": []}
EVENTS = """
    SELECT event.subject, event.action, convert_from(payload.body, 'UTF8')::json
    FROM audit_auditevent AS event JOIN audit_auditpayload AS payload ON payload.event_id = event.id
    WHERE event.subject LIKE 'tool_call:%'
    ORDER BY event.subject, event.created_at, event.xid, event.id"""
BORN, OPEN = (None,), ("pending", "approved")
MOVES: Mapping[str, tuple[tuple[str | None, ...], str]] = {
    "tool_call.denied": ((*BORN, *OPEN), "denied"),
    "tool_call.pending": (BORN, "pending"),
    "tool_call.preauthorized": (BORN, "approved"),
    "tool_call.approved": (("pending",), "approved"),
    "tool_call.rejected": (("pending",), "rejected"),
    "tool_call.expired": (OPEN, "expired"),
    "tool_call.cancelled": ((*OPEN, "executing"), "cancelled"),
    "tool_call.superseded": (("approved",), "pending"),
    "tool_call.executing": (("approved",), "executing"),
    "tool_call.succeeded": (("executing",), "succeeded"),
    "tool_call.failed": (("executing",), "failed"),
    "tool_call.lost": (("executing",), "lost"),
    "tool_call.settled": (("lost",), ""),
}
"""What each event moves a call from and to; a settled call goes where its outcome says."""
NEVER_RAN = ("tool_call.failed", "undispatchable")
STAYS: Mapping[str, tuple[str | None, ...]] = {
    "tool_call.vote": (*BORN, "pending"),
    "tool_call.break_glass": ("pending",),
    "tool_call.edited": ("pending",),
    "tool_call.retried": ("executing",),
    "tool_call.late_result": ("succeeded", "failed", "lost", "cancelled"),
    "tool_call.reopened": ("rejected",),
}

Violation = dict[str, str]


def reconcile(
    connection: psycopg.Connection[Any], effects: Mapping[str, int], accepted: Mapping[str, Sequence[Any]] = ACCEPTED,
    *, counted: Sequence[str] = COUNTED, moving: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Return the report on one consistent look at the database.

    counted   tools whose every success is one effect
    moving    M1 is at work: what is to be at rest is not asked for
    """
    parameters = {"effects": Json(effects), "accepted": Json({**ACCEPTED, **accepted}), "counted": Json(counted)}
    violations = [*_by_rules(connection, parameters, moving), *replayed(connection)]
    statuses = _count(connection, "SELECT status, count(*) FROM agents_toolcall GROUP BY status")
    return {
        "ok": not violations,
        "violations": violations,
        "effects": sum(effects.values()),
        "duplicates": sum(count - 1 for count in effects.values() if count > 1),
        "lost_requests": sum(one["rule"].startswith("accepted_") for one in violations),
        "executions": _count(connection, "SELECT 'all', count(*) FROM agents_execution")["all"],
        "needs_person": statuses["lost"],
        "settled": _count(connection, "SELECT 'all', count(settled_by_id) FROM agents_execution")["all"],
        "calls": dict(statuses),
        "runs": dict(_count(connection, "SELECT status, count(*) FROM agents_agentrun GROUP BY status")),
    }


def replayed(connection: psycopg.Connection[Any]) -> Iterator[Violation]:
    """Play each call's events, in the order of the database's clock, and compare the end with the call's row."""
    rows = connection.execute("SELECT 'tool_call:' || request_id, status FROM agents_toolcall").fetchall()
    statuses = dict(rows)
    for subject, events in groupby(connection.execute(EVENTS).fetchall(), key=lambda row: row[0]):
        state: str | None = None
        for _, action, payload in events:
            after, problem = move(state, action, payload)
            if problem:
                yield _violation("illegal_move", subject, problem)
            state = after
        if state != statuses.pop(subject, None):
            yield _violation("events_disagree", subject, f"by its events it is {state}; by its row something else")
    for subject, status in statuses.items():
        yield _violation("events_disagree", subject, f"it is {status}, and has no event")


def move(state: str | None, action: str, payload: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return the state after an event, and what is wrong with it, or ""."""
    if action not in MOVES:
        fits = state in STAYS.get(action, (state,))
        return state, "" if fits else f"{action} while {state}"
    sources, target = MOVES[action]
    if (action, payload.get("error_code")) == NEVER_RAN:
        sources = ("approved",)
    target = target or str(payload.get("outcome"))
    return target, "" if state in sources else f"{action} while {state}"


def _by_rules(connection: psycopg.Connection[Any], parameters: Mapping[str, Any], moving: bool) -> Iterator[Violation]:
    blocks = re.split(r"^-- (rule|at rest) (\w+): (.+)$", RULES.read_text(), flags=re.MULTILINE)
    for kind, rule, sentence, query in zip(*(blocks[start::4] for start in (1, 2, 3, 4)), strict=True):
        if kind == "rule" or not moving:
            for subject, detail in connection.execute(query.encode(), parameters).fetchall():
                yield _violation(rule, str(subject), f"{sentence} {detail}")


def _violation(rule: str, subject: str, detail: str) -> Violation:
    return {"rule": rule, "subject": subject, "detail": detail}


def _count(connection: psycopg.Connection[Any], query: str) -> Counter[str]:
    return Counter(dict(connection.execute(query.encode()).fetchall()))


def _read(path: Path | None) -> Any:
    return json.loads(path.read_text()) if path else {}


def main() -> int:
    """Look once, print the report, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True)
    parser.add_argument("--effects", type=Path, required=True)
    parser.add_argument("--accepted", type=Path)
    parser.add_argument("--counted", action="append", help=f"default: {', '.join(COUNTED)}")
    parser.add_argument("--moving", action="store_true")
    told = parser.parse_args()
    try:
        effects, accepted = _read(told.effects), _read(told.accepted)
        with psycopg.connect(told.database) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            counted = told.counted or COUNTED
            report = reconcile(connection, effects, accepted, counted=counted, moving=told.moving)
    except (OSError, ValueError, psycopg.Error) as exc:
        print(f"reconcile: {exc}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
