"""An executor that freezes for longer than its lease, as on a paused host, and goes on when its call is lost."""

import os
import signal

import pytest

from tests.faults.report import Cell, record
from tests.faults.rest import bring_to_rest
from tests.faults.site import WAIT_SECONDS, Site
from tests.faults.steps import hold, let_go
from tests.people import until

pytestmark = pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
LOST = "SELECT 1 FROM agents_toolcall WHERE request_id = %s AND status = 'lost'"


@pytest.mark.parametrize(("step", "effects", "code"), [("claim", 0, "not_begun"), ("effect", 1, "")])
def test_it_begins_nothing_and_what_it_has_done_is_told(
    request: pytest.FixtureRequest, site: Site, step: str, effects: int, code: str
) -> None:
    (held,) = hold(site, [step])
    assert held.process
    os.kill(held.process, signal.SIGSTOP)
    try:
        let_go(site, [held])
        until(lambda: site.rows(LOST, held.request_id), WAIT_SECONDS, what="its lease has run out")
    finally:
        os.kill(held.process, signal.SIGCONT)
    subject = f"tool_call:{held.request_id}"
    (late,) = until(lambda: site.m1.events(subject, "tool_call.late_result"), WAIT_SECONDS, what="its late word")
    assert (late["payload"]["ok"], late["payload"]["error_code"]) == (not code, code)
    ends = bring_to_rest(site, [held])
    assert (ends[step].call, ends[step].run) == ("lost", "completed")
    report, found = site.reconcile(), site.effects.counts[held.request_id]
    record(request, Cell("executor frozen", step, found, max(found - 1, 0), report["lost_requests"], 1))
    assert (found, report["violations"]) == (effects, [])
