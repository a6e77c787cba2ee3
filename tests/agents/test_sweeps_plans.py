"""What a sweep looks for every two seconds it finds by an index, however many calls wait, and however many ended."""

import json
import os
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import due, queue, sweeps

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(os.environ.get("M1_TEST_DATABASE") == "sqlite", reason="needs PostgreSQL"),
]
GROWING = {"agents_toolcall", "agents_agentrun", "agents_execution", "agents_outbox"}
# Empty tables with the same indexes, in front of the real ones: what other tests have left in those decides nothing.
EMPTY = "CREATE TEMPORARY TABLE {0} (LIKE public.{0} INCLUDING ALL) ON COMMIT DROP"
TO_PREVIEW = "agents_toolcall_created_at_idx"  # tool_call_to_preview: there is nothing in it but what is looked for
SWEEPS: list[Callable[[], int]] = [
    sweeps.expire_due, sweeps.lose_silent, sweeps.remind_unsettled, sweeps.deny_disabled, sweeps.put_missing,
    sweeps.give_up_previews, sweeps.resume_stuck, due.remind_due, due.escalate_due, queue.resend_due,
]  # fmt: skip


@pytest.mark.parametrize("sweep", SWEEPS)
def test_no_sweep_reads_a_growing_table_from_end_to_end(sweep: Callable[[], int]) -> None:
    with connection.cursor() as cursor:
        for table in GROWING:
            cursor.execute(EMPTY.format(table))
    with CaptureQueriesContext(connection) as asked:
        sweep()
    looked = [one["sql"] for one in asked.captured_queries if " FROM " in one["sql"]]
    assert looked
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # empty tables are read so, unless nothing else is possible
        for sql in looked:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
            (found,) = cursor.fetchone()
            assert not whole_reads(found if isinstance(found, list) else json.loads(found)), sql
            assert "LIMIT" in sql


def whole_reads(plan: object) -> set[str]:
    """Return the growing tables that a plan reads as a whole."""
    if isinstance(plan, list):
        return set().union(*map(whole_reads, plan))
    if not isinstance(plan, dict):
        return set()
    below = set().union(*map(whole_reads, plan.values()))
    by_index = "Index Scan" in str(plan.get("Node Type")) and plan.get("Index Name") != TO_PREVIEW
    is_whole = plan.get("Node Type") == "Seq Scan" or (by_index and "Index Cond" not in plan)
    return below | ({plan["Relation Name"]} & GROWING if is_whole and "Relation Name" in plan else set())
