"""Processes whose host's clock is wrong, and the one clock that counts: the database's."""

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg

from tests.people import Call
from tests.processes import Processes

SKEW_SECONDS = 600
AHEAD = {"web": 1, "planner": -1, "executor": 1, "housekeeping": 1, "beat": -1}
"""Which way each is wrong: whoever hands over to somebody is wrong the other way."""


def shift(m1: Processes, sign: int, ways: Mapping[str, int] = AHEAD) -> None:
    """Start every process anew, ten minutes ahead or behind; `sign` -1 turns all of them round."""
    for name, way in ways.items():
        child = m1.children[name]
        module = list(child.command[child.command.index("-m") + 1 :])
        if module[0] == "tests.faults.shifted":
            module = module[2:]
        seconds = str(sign * way * SKEW_SECONDS)
        child.command = [sys.executable, "-m", "tests.faults.shifted", seconds, *module]
        child.kill()
        child.start()


def database_time(m1: Processes) -> datetime:
    """Return what the database's clock says."""
    return _one(m1, "SELECT clock_timestamp()")


def expire_soon(m1: Processes, call: Call, seconds: float) -> datetime:
    """Have a waiting call expire in so many seconds; return when that is."""
    change = "UPDATE agents_toolcall SET expires_at = clock_timestamp() + %s * interval '1 s' WHERE request_id = %s"
    return _one(m1, f"{change} RETURNING expires_at", seconds, call["requestId"])


def token_times(m1: Processes, call: Call) -> tuple[datetime, datetime, datetime]:
    """Return when the call's execution token was issued, used, and would have ended."""
    query = "SELECT issued_at, used_at, expires_at FROM policy_approvaltoken WHERE request_id = %s"
    with psycopg.connect(m1.facts.place.database_url) as connection:
        (row,) = connection.execute(query, [call["requestId"]]).fetchall()
    return row


def event_times(m1: Processes, call: Call) -> list[datetime]:
    """Return when each event of the call was written, in the trail's own order."""
    query = "SELECT created_at FROM audit_auditevent WHERE subject = %s ORDER BY xid, id"
    with psycopg.connect(m1.facts.place.database_url) as connection:
        return [at for (at,) in connection.execute(query, [f"tool_call:{call['requestId']}"]).fetchall()]


def _one(m1: Processes, query: str, *parameters: object) -> Any:
    with psycopg.connect(m1.facts.place.database_url) as connection:
        row = connection.execute(query.encode(), parameters).fetchone()
    assert row
    return row[0]
