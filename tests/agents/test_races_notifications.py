"""Races with real threads: however many workers are called for one target, one of them sends; sweeps call it once."""

import os
from functools import partial
from unittest import mock

import pytest
from pytest_django import Settings

from agents import queue
from agents.models import Notification, NotificationTarget
from agents.notifications import attempts, calling
from tests.agents.steps import ask
from tests.agents.test_races import Together
from tests.targets import tell
from tests.world import World

pytestmark = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
]
ROUNDS = int(os.environ.get("M1_RACE_ROUNDS", "50"))
WORKERS = 4


def test_of_many_workers_at_one_instant_one_sends(world: World, settings: Settings) -> None:
    settings.M1_NOTIFY_ADDRESSES = ()
    tell(["json://127.0.0.1:9/x"])
    ask(world)
    target = NotificationTarget.objects.get()
    together = Together(WORKERS)
    for attempt in range(1, ROUNDS + 1):
        taken = together.do(*[partial(attempts.take, target.pk)] * WORKERS)
        assert len([one for one in taken if one]) == 1, taken
        assert Notification.objects.get().attempts == attempt
        now = attempts.clock.now()
        Notification.objects.update(next_at=now, begun_at=None)
        NotificationTarget.objects.update(lease_until=now)
    together.close()


def test_of_many_sweeps_at_one_instant_one_calls_the_worker(world: World, settings: Settings) -> None:
    settings.M1_NOTIFY_ADDRESSES = ()
    tell(["json://127.0.0.1:9/x"])
    ask(world)
    together = Together(WORKERS)
    with mock.patch("agents.queue.send", return_value=True) as send:
        for number in range(1, ROUNDS + 1):
            assert sorted(together.do(*[calling.call_due] * WORKERS)) == [0] * (WORKERS - 1) + [1]
            assert send.call_count == number and send.call_args.args[0] == queue.NOTIFY
            NotificationTarget.objects.update(calls=0)
    together.close()
