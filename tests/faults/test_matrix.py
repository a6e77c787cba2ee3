"""Every step of a call times every fault: afterwards all rests, and what happened outside is what is on record.

One call is held in the middle of each step, then the fault strikes. M1_TEST_FAULTS=long strikes each step by itself.
"""

import os
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.faults.report import Cell, record
from tests.faults.rest import End, bring_to_rest
from tests.faults.site import Site
from tests.faults.steps import STEPS, Held, be_asked, hold
from tests.faults.strikes import STRIKES

pytestmark = pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
DOWN = ("effect", "result")
LOST = {
    "workers killed": DOWN,
    "process killed": ("claim", "effect"),  # a result whose COMMIT was sent is there
}
"""Where nobody can know whether the tool has acted, so that a person must say."""
MAY_BE_LOST = {"PostgreSQL stopped": DOWN, "PostgreSQL killed": DOWN}
TWICE = "SELECT goal FROM agents_agentrun WHERE goal = ANY(%s) GROUP BY goal HAVING count(*) > 1"
ALL = tuple(STEPS)
SHORT = [  # two at a time: while the calls of the first wait for a lease to run out, the second strikes others
    (("workers killed", "delivered 100 times"), ALL),
    (("process killed", "Redis killed"), ALL[::2]),
    (("PostgreSQL stopped", "web killed"), ALL[1::2]),
]
LONG = [((fault,), (step,)) for fault in STRIKES for step in STEPS]
ROUNDS = LONG if os.environ.get("M1_TEST_FAULTS") == "long" else SHORT


@pytest.fixture(scope="module", autouse=True)
def warm(site: Site) -> None:
    """Bring one call to its end: what is made once is made, and nobody at a gate keeps others from making it."""
    first = Held("first", "Whatever is made once")
    be_asked(site, first)
    bring_to_rest(site, [first])


@pytest.mark.parametrize(("faults", "steps"), ROUNDS, ids=["+".join(one[0]) + " " + "+".join(one[1]) for one in ROUNDS])
def test_after_a_fault_everything_rests_and_agrees(
    request: pytest.FixtureRequest, site: Site, faults: Sequence[str], steps: Sequence[str]
) -> None:
    struck: dict[str, list[Held]] = {}
    for fault in faults:
        struck[fault] = hold(site, steps)
        STRIKES[fault](site, struck[fault])
    ends = {fault: bring_to_rest(site, held) for fault, held in struck.items()}
    report = site.reconcile()
    for cell in cells(site, struck, ends, report["lost_requests"]):
        record(request, cell)
    assert report["violations"] == []
    goals = [one.goal for held in struck.values() for one in held]
    assert site.rows(TWICE, goals) == [], "a request that was sent again was taken twice"
    assert site.client.take_wrong() == [], "M1 answers 503 while its database is away, and nothing else"
    for fault in faults:
        assert_ended(fault, steps, ends[fault])


def cells(
    site: Site, struck: Mapping[str, Sequence[Held]], ends: Mapping[str, Mapping[str, End]], missing: int
) -> Iterator[Cell]:
    for fault, held in struck.items():
        for one in held:
            effects = site.effects.counts[one.request_id]
            is_lost = ends[fault][one.step].call == "lost"
            yield Cell(fault, one.step, effects, max(effects - 1, 0), missing, int(is_lost))
            missing = 0  # told once


def assert_ended(fault: str, steps: Sequence[str], ends: Mapping[str, End]) -> None:
    assert {step: end.run for step, end in ends.items()} == dict.fromkeys(steps, "completed")
    assert {end.call for end in ends.values()} <= {"succeeded", "lost"}
    settled = {step for step, end in ends.items() if end.call == "lost"}
    lost = {step for step in LOST.get(fault, ()) if step in steps}
    assert lost <= settled <= lost | set(MAY_BE_LOST.get(fault, ()))
