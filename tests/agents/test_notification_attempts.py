"""How often it is tried, by whom, and when it is given up: nothing is lost, and nobody is told the same for hours."""

from datetime import timedelta
from unittest import mock

import pytest
from pytest_django import Settings

from agents import queue
from agents.models import Notification, NotificationTarget
from agents.notifications import attempts, calling
from audit import clock
from tests.agents import steps
from tests.agents.steps import WRITE, ask, events, propose, publish
from tests.agents.telling import ONE, after, rows, take, taken, target
from tests.agents.test_quorum_rules import HEAD, rule
from tests.m1site.desk import told
from tests.targets import tell
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_settings(settings: Settings) -> None:
    """Whatever a test sets is gone afterwards."""
    settings.M1_NOTIFY_ADDRESSES = ()


def test_a_message_that_was_taken_is_not_sent_again_and_the_next_waits(world: World) -> None:
    tell(ONE)
    ask(world)
    assert attempts.finish(taken(), "")
    assert Notification.objects.get().state == "sent" and target().last_sent_at
    ask(world, arguments={"path": "x", "content": ""})
    assert take() is None, "it is quiet for a while, so that a flood is one message"
    with after(16):
        assert len(taken().items) == 1


def test_a_failure_is_tried_again_later_and_later(world: World) -> None:
    tell(ONE)
    ask(world)
    waits = []
    for _ in range(8):
        now = clock.now()
        with mock.patch("audit.clock.now", lambda now=now: now):
            assert attempts.finish(taken(), "answered 500")
        row = Notification.objects.get()
        waits.append(round((row.next_at - now).total_seconds()))
        Notification.objects.update(next_at=now)
        NotificationTarget.objects.update(quiet_until=None)
    assert waits == [15, 30, 60, 120, 240, 480, 600, 600]
    assert (row.state, row.attempts, row.error, target().last_error) == ("waiting", 8, "answered 500", "answered 500")
    assert target().failing_since
    attempts.finish(taken(), "")
    assert (target().failing_since, target().last_error) == (None, "")


def test_what_failed_is_tried_apart_from_what_is_new(world: World) -> None:
    tell(ONE)
    bad = ask(world)
    attempts.finish(taken(), "answered 400")
    good = ask(world, arguments={"path": "x", "content": ""})
    with after(60):
        first = taken()
        assert [item.request_id for item in first.items] == [good.pk]
        attempts.finish(first, "")
    with after(90):
        assert [item.request_id for item in taken().items] == [bad.pk]


def test_whoever_ends_in_the_middle_leaves_it_to_the_next_who_says_so(world: World) -> None:
    tell(ONE)
    ask(world)
    first = taken()
    assert not first.is_repeated
    with after(44):
        assert take() is None, "the lease holds"
    with after(46):
        again = taken()
        assert again.is_repeated and again.keys == first.keys
        assert Notification.objects.get().error == attempts.INTERRUPTED
        assert not attempts.finish(first, "answered 500"), "too late to count"
        assert target().lease_until == again.until
        assert attempts.finish(again, "") and Notification.objects.get().state == "sent"


def test_what_ends_the_worker_each_time_is_given_up_and_the_others_go_on(world: World) -> None:
    tell(ONE)
    ask(world)
    for attempt in range(attempts.MOST_UNCLEAR):
        with after(3600 * attempt / 10):
            taken()
    ask(world, arguments={"path": "x", "content": ""})
    with after(3600):
        assert [item.headline for item in taken().items] == ["Write x"]
        assert calling.give_up_due() == 1
    assert told("notification.failed")[0]["error"] == attempts.INTERRUPTED


def sweep() -> tuple[int, list[str]]:
    """Return how often the worker was called, and which were given up."""
    with mock.patch("agents.queue.send", return_value=True) as send:
        called = calling.call_due()
        calling.give_up_due()
    assert all(call.args == (queue.NOTIFY, target().pk) for call in send.call_args_list)
    return called, [facts["error"] for facts in told("notification.failed")]


def test_the_worker_is_called_less_often_while_none_comes(world: World) -> None:
    tell(ONE)
    ask(world)
    now, called = clock.now(), []
    for second in range(0, 320, 10):
        with mock.patch("audit.clock.now", lambda second=second: now + timedelta(seconds=second)):
            if sweep()[0]:
                called.append(second)
    assert called == [0, 10, 30, 70, 150, 310]
    take()
    assert target().calls == 0


def test_it_is_given_up_after_six_hours_with_an_event(world: World) -> None:
    tell(ONE)
    publish(world, HEAD + rule("day", "1 approver", open_minutes=2000))
    call, decided = propose(
        steps.external_run(world), ("files.write", WRITE), ("files.write", {"path": "x", "content": ""})
    )
    steps.reject(decided, world.ava)
    attempts.finish(taken(), "answered 500")
    with after(6 * 3600 - 5):
        assert sweep() == (1, [])
    with after(6 * 3600 + 5):
        assert sweep()[1] == ["answered 500"]
        assert sweep()[1] == ["answered 500"], "once"
    assert set(Notification.objects.values_list("call", "state")) == {(call.pk, "failed"), (decided.pk, "dropped")}
    assert events(call)[-1] == "notification.failed"


def test_nobody_came_for_it_is_said_as_well(world: World) -> None:
    tell(ONE)
    publish(world, HEAD + rule("day", "1 approver", open_minutes=2000))
    ask(world)
    with after(6 * 3600 + 5):
        assert sweep()[1] == [calling.NOT_TAKEN]


def test_what_ended_long_ago_is_forgotten(world: World) -> None:
    tell(ONE)
    ask(world)
    attempts.finish(taken(), "")
    ask(world, arguments={"path": "x", "content": ""})
    with after(90 * 86400 - 9):
        assert calling.forget_old() == 0
    with after(90 * 86400 + 9):
        assert calling.forget_old() == 1
    assert rows() == [("asked", 1, 0)]
