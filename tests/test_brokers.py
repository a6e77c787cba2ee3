"""M1 on the broker that M1_TEST_BROKER names: the main job, a message many times, a broker away, hung and emptied.

`make brokers` names Redis, Valkey and RabbitMQ in turn, for tests/test_main_job.py as well.
"""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from celery import Celery

from tests.effects_server import EffectsServer
from tests.killing import below
from tests.people import Call, assert_the_main_job_is_done, until
from tests.processes import Processes, own_database, running
from tests.services import brokers
from tests.services.brokers import Broker

LONG_SECONDS = 60
HANGS_SECONDS = 20  # a click must not wait for the broker; what else it waits for on a busy machine is not the point
pytestmark = pytest.mark.skipif(not brokers.chosen(), reason="`make brokers` runs it")


@dataclass
class Trial:
    """M1 on one broker."""

    m1: Processes
    broker: Broker
    effects: EffectsServer

    def approved_while(self, fault: Callable[[], None]) -> Call:
        """Have a call wait, then the fault happen, then somebody approve; return the call."""
        (call,) = self.m1.waiting(self.m1.run("counter"))
        fault()
        began = time.monotonic()
        answer = self.m1.approve(call)
        assert answer.status == 200, answer.text
        assert time.monotonic() - began < HANGS_SECONDS
        assert self.m1.status(call) == "approved"
        return call

    def assert_it_ran_once(self, call: Call) -> None:
        """Wait for the end of the call's run; outside it had one effect."""
        assert self.m1.ended(call["run"], LONG_SECONDS)["answer"] == "It was counted."
        assert self.effects.counts[call["requestId"]] == 1


@pytest.fixture(scope="module", params=[brokers.chosen()])
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    kind: str = request.param
    if why := brokers.why_not(kind):
        pytest.skip(f"{kind}: {why}")
    broker = brokers.start(kind, tmp_path_factory.mktemp(kind))
    try:
        with EffectsServer() as effects:
            directory = tmp_path_factory.mktemp("m1")
            told = {"effects": effects.url, "model": {}, "broker": broker}
            with running(request.config, directory, own_database(), **told) as m1:
                yield Trial(m1, broker, effects)
    finally:
        broker.stop()


def test_the_main_job(trial: Trial) -> None:
    run = trial.m1.run("demo", preauthorized=True)
    mail, draft = trial.m1.waiting(run, 2)
    for call, name in ((mail, "ava"), (draft, "ava"), (draft, "sam")):
        assert trial.m1.approve(call, name).status == 200
    assert_the_main_job_is_done(trial.m1, trial.m1.facts.place, run, mail, draft)


def test_the_same_message_many_times_is_one_effect(trial: Trial) -> None:
    (call,) = trial.m1.waiting(trial.m1.run("counter"))
    with Celery("stranger", broker=trial.broker.url, set_as_current=False) as stranger:
        stranger.conf.task_create_missing_queue_type = "quorum"
        for _ in range(10):
            stranger.send_task("agents.execute", args=[call["requestId"]], queue="executor")
        assert trial.m1.approve(call).status == 200
        for _ in range(10):
            stranger.send_task("agents.execute", args=[call["requestId"]], queue="executor")
    trial.assert_it_ran_once(call)
    until(lambda: trial.broker.is_drained("executor"), LONG_SECONDS, what="the queue is empty")
    assert trial.effects.counts[call["requestId"]] == 1


def test_a_worker_that_was_killed_gets_its_message_again_and_does_nothing(trial: Trial) -> None:
    (call,) = trial.m1.waiting(trial.m1.run("counter"))
    trial.effects.hold()
    assert trial.m1.approve(call).status == 200
    until(lambda: trial.effects.counts[call["requestId"]], what="the tool has acted")
    executor = trial.m1.children["executor"]
    executor.kill()
    trial.effects.release()
    executor.start()
    until(lambda: trial.m1.status(call) == "lost", LONG_SECONDS, what="the call is lost")
    until(lambda: not trial.broker.waiting("executor"), what="whatever came again was taken")
    assert trial.effects.counts[call["requestId"]] == 1


def test_a_decision_is_taken_while_the_broker_is_away_and_carried_out_when_it_is_back(trial: Trial) -> None:
    alive = until(lambda: workers(trial), LONG_SECONDS, what="every process with its pool")
    call = trial.approved_while(trial.broker.down)
    trial.broker.up()
    trial.assert_it_ran_once(call)
    assert workers(trial) == alive, "no process had to be started anew"


def test_a_decision_does_not_wait_for_a_broker_that_hangs(trial: Trial) -> None:
    try:
        call = trial.approved_while(trial.broker.hang)
    finally:
        trial.broker.hang(go_on=True)
    trial.assert_it_ran_once(call)


def test_what_a_killed_or_emptied_broker_has_lost_is_a_delay_only(trial: Trial) -> None:
    def stop_executor() -> None:
        trial.m1.children["executor"].kill()

    call = trial.approved_while(stop_executor)
    until(lambda: trial.broker.waiting("executor"), what="the message waits")
    trial.broker.empty()
    until(lambda: not trial.broker.waiting("executor"), what="the message is gone")
    trial.broker.down(signal.SIGKILL)
    trial.broker.up()
    trial.m1.children["executor"].start()
    trial.assert_it_ran_once(call)


def workers(trial: Trial) -> set[int]:
    """Return the main processes once each, but for beat, has a child or more below it."""
    pids = {name: child.process.pid for name, child in trial.m1.children.items() if child.process}
    return set(pids.values()) if all(below(pid) for name, pid in pids.items() if name != "beat") else set()
