"""Goals at a fixed rate while something dies every few seconds: M1_TEST_SOAK_SECONDS of it, as M1_TEST_SEED has it."""

import os

import pytest

from tests.faults.report import Cell, record
from tests.faults.site import Site
from tests.faults.soak import Soak

SECONDS = float(os.environ.get("M1_TEST_SOAK_SECONDS", "0"))
pytestmark = [
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
    pytest.mark.skipif(not SECONDS, reason="`make faults` sets M1_TEST_SOAK_SECONDS"),
]
SEED = int(os.environ.get("M1_TEST_SEED", "6"))
PER_SECOND = 1.0
PAUSE_SECONDS = (2.0, 8.0)


def test_nothing_is_lost_and_nothing_happens_twice_in_a_storm(request: pytest.FixtureRequest, site: Site) -> None:
    soak = Soak(site, SEED)
    soak.rage(SECONDS, per_second=PER_SECOND, pause=PAUSE_SECONDS)
    report = site.reconcile()
    told = (report["effects"], report["duplicates"], report["lost_requests"], report["settled"])
    record(request, Cell("soak", f"{SECONDS:g} s", *told))
    denied = site.rows("SELECT request_id::text, note FROM agents_toolcall WHERE status IN ('denied', 'failed')")
    print(f"denied or failed: {denied}")
    print(f"asked {soak.asked}, struck {dict(soak.struck)}, answers {dict(site.client.answers)}, {report}")
    assert report["violations"] == []
    assert site.client.wrong == [], "M1 answers 503 while its database is away, and nothing else"
    assert report["runs"].get("completed", 0) >= soak.asked > 0
