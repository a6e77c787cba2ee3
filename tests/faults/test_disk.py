"""The disk of the database is full, or it is read-only: nothing is decided, nothing happens, and M1 says so."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest

from tests.faults import disk
from tests.faults.client import is_away
from tests.faults.reconcile import reconcile
from tests.faults.site import Site
from tests.people import until

pytestmark = [
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
    pytest.mark.skipif(os.environ.get("M1_TEST_FAULTS") != "long", reason="`make faults` runs it"),
]
MOST_ASKED = 100
Trouble = Callable[[], AbstractContextManager[None]]


@pytest.fixture(params=["full", "read-only"])
def trouble(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[Trouble]:
    """A way to make the database take nothing more."""
    if request.param == "read-only":
        yield lambda: disk.read_only(site)
    elif not disk.can_mount(tmp_path / "mount"):
        pytest.skip("this machine mounts no file system for us")
    else:
        with disk.small_disk(site) as place:
            yield lambda: disk.full(place)


def test_a_database_that_takes_nothing_means_no_effect_and_a_clear_answer(site: Site, trouble: Trouble) -> None:
    ava, run = site.m1.visitor("ava"), site.client.run("waits", "counter")
    request_id, digest = site.pending(run)
    seen = {"argumentsDigest": digest, "round": 1}
    until(lambda: ava.get("/health").status == 200, 60, what="M1 is well")
    with trouble():
        until(lambda: ava.get("/health").status == 503, what="health is red")
        body, key = ask_until_refused(site)
        decided = ava.post(f"tool-calls/{request_id}/approve", seen, Idempotency_Key=key)
        assert decided.status == 200 or is_away(decided), decided.text  # a page that is there already may have room
        assert ava.get("/health/live").status == 200
        assert site.effects.counts[request_id] <= (decided.status == 200)
        with psycopg.connect(site.database_url) as connection:
            assert reconcile(connection, site.effects.counts, moving=True)["violations"] == [], "nothing half"
    until(lambda: ava.get("/health").status == 200, what="health is green")
    asked = site.m1.visitor("riley").post("runs", body, Idempotency_Key=key)
    again = ava.post(f"tool-calls/{request_id}/approve", seen, Idempotency_Key=key)
    assert (asked.status, again.status) == (201, 200), (asked.text, again.text)
    assert site.m1.ended(run, 90)["answer"] == "It was counted."
    until(lambda: site.reconcile()["violations"] == [], 90, what="all is at rest, and agrees")
    assert site.effects.counts[request_id] == 1


def ask_until_refused(site: Site) -> tuple[dict[str, str], str]:
    """Start runs until there is no room for another; return what was refused, and its Idempotency-Key."""
    for _ in range(MOST_ASKED):
        body, key = {"goal": secrets.token_hex(2_500), "agent": "counter"}, secrets.token_hex()
        answer = site.m1.visitor("riley").post("runs", body, Idempotency_Key=key)
        if answer.status != 201:
            assert is_away(answer), answer.text
            return body, key
        site.client.accepted.runs.append(str(answer.json["id"]))
    raise AssertionError(f"{MOST_ASKED} runs, and none was refused")


def test_a_tool_that_acts_while_the_disk_fills_up_is_never_run_twice(site: Site, trouble: Trouble) -> None:
    run = site.client.run("acts", "counter")
    request_id, digest = site.pending(run)
    site.effects.hold(request_id)
    site.client.approve(request_id, digest)
    until(lambda: site.effects.counts[request_id], 60, what="the tool has acted")
    with trouble():
        until(lambda: site.m1.visitor("ava").get("/health").status == 503, what="health is red")
        site.effects.release()
    state = "SELECT status FROM agents_toolcall WHERE request_id = %s"
    until(lambda: site.rows(state, request_id)[0][0] in ("succeeded", "lost"), 90, what="the call rests")
    if site.rows(state, request_id) == [("lost",)]:
        site.client.settle(request_id, "succeeded")
    site.m1.ended(run, 90)
    assert site.effects.counts[request_id] == 1
    until(lambda: site.reconcile()["violations"] == [], 90, what="all is at rest, and agrees")
