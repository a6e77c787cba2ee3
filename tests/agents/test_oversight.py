"""Numbers about how people decide: right, and each person's for auditors alone."""

from datetime import timedelta

import pytest
from django.test import Client

from agents import stats
from agents.models import Decision
from audit import clock
from m1site.accounts.models import User
from tests.agents import steps
from tests.agents.pages import client_of, text_of
from tests.m1site.rest import Rest
from tests.world import World, person, turn_wheels

pytestmark = pytest.mark.django_db
LISTING = """
steps:
  - step: look
    calls:
      - {id: one, tool: files.list, arguments: {}, reason: Look first.}
    next:
      - goto: end
  - step: end
    finish: Done.
"""


@pytest.mark.parametrize(
    ("values", "part", "expected"),
    [([], 0.5, None), ([3], 0.5, 3), ([3], 0.95, 3), ([1, 2, 3, 4], 0.5, 2), ([4, 1, 3, 2, 5], 0.5, 3),
     (range(1, 101), 0.95, 95), (range(1, 21), 0.95, 19)],
)  # fmt: skip
def test_a_quantile_is_the_smallest_value_that_the_part_does_not_exceed(
    values: list[float], part: float, expected: float | None
) -> None:
    assert stats.quantile(values, part) == expected


def decided(world: World) -> None:
    """Have ava approve twice, once in a hurry and once not timed, and reject once; and sam take his time."""
    for seconds in (4.9, None):
        steps.approve(steps.ask(world), world.ava, open_seconds=seconds)
    steps.reject(steps.ask(world), world.ava, open_seconds=2)
    steps.approve(steps.ask(world), world.sam, open_seconds=5)


def test_a_fast_yes_counts_as_fast_only_where_the_time_is_known(world: World) -> None:
    decided(world)
    now = clock.now()
    everyone, people = stats.oversight(now - timedelta(minutes=5), now + timedelta(minutes=5))
    ava, sam = people["ava"], people["sam"]
    assert (ava.approvals, ava.rejections, ava.fast, ava.timed, ava.fast_share) == (2, 1, 1, 1, 1.0)
    assert (sam.approvals, sam.fast, sam.timed, sam.fast_share) == (1, 0, 1, 0.0)
    assert (everyone.approvals, everyone.fast, everyone.timed, everyone.fast_share) == (3, 1, 2, 0.5)
    assert (everyone.open_median, everyone.open_p95) == (4.9, 5)
    nobody, none = stats.oversight(now - timedelta(days=2), now - timedelta(days=1))
    assert (nobody.approvals, nobody.open_median, none) == (0, None, {})


def test_a_yes_ahead_of_time_is_no_manner_of_deciding(world: World) -> None:
    world.run(preauthorized=True, scenario=LISTING)
    turn_wheels(world)
    assert Decision.objects.filter(kind="preauthorization").count() == 1
    now = clock.now()
    assert stats.oversight(now - timedelta(days=1), now + timedelta(days=1))[0].approvals == 0


def test_each_persons_numbers_are_for_auditors_only(world: World) -> None:
    decided(world)
    for who, sees in ((world.ava, False), (steps.operator(), False), (person("aud", "auditor"), True)):
        told = Rest(who).get("dashboard/oversight?days=1").json()
        assert told["everyone"]["approvals"] == 3
        assert (told["people"] is not None) == sees, who.username
    assert told["people"][0]["person"] == "ava"
    assert told["people"][0]["manner"]["fastShare"] == 1.0
    for query in ("days=0", "days=x", "days=367", "from=1"):
        assert Rest(world.ava).get(f"dashboard/oversight?{query}").status_code == 400


def staff(name: str, *groups: str) -> Client:
    someone = person(name, *groups)
    User.objects.filter(pk=someone.pk).update(is_staff=True)
    return client_of(User.objects.get(pk=someone.pk))


def test_the_page_of_the_desk_is_for_auditors_and_names_everybody(world: World) -> None:
    decided(world)
    page = text_of(staff("aud", "auditor").get("/admin/oversight/"))
    assert "Everyone" in page and "ava" in page and "1 of 1" in page
    assert staff("op", "operator").get("/admin/oversight/").status_code == 403
    assert "greater than" in text_of(staff("aud2", "auditor").get("/admin/oversight/?days=0"))


def test_times_of_pages_are_shown_in_the_list_of_decisions_to_auditors_only(world: World) -> None:
    decided(world)
    assert "Open seconds" in text_of(staff("aud", "auditor").get("/admin/agents/decision/"))
    assert "Open seconds" not in text_of(staff("op", "operator").get("/admin/agents/decision/"))
