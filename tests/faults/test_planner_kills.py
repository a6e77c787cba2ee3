"""Planners that die, stall or are told twice, each at a chosen line: real processes, and one turn of every run."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import redis
from celery import Celery

from tests import claude_server
from tests.claude_rules import Json
from tests.claude_server import Answer, ClaudeServer
from tests.killing import below, is_alive
from tests.people import until
from tests.processes import Processes, own_database, running

pytestmark = pytest.mark.skipif(os.environ.get("M1_TEST_FAULTS") != "long", reason="`make faults` runs it")
PLANNERS = 5
SILENT_SECONDS = 60  # a lease of 15, a sweep every 2, and a busy machine
HELD = ("waiting", "unsaid", "stopped", "cancelled", "delivered", "recorded")
LOCKED = "SELECT 1 FROM agents_agentrun WHERE id = %s FOR UPDATE"
RUNS = ("unasked", *HELD)


class Claude:
    """Answers with one call for each goal; the first answer to a goal that is held comes when it is let go."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.gates = {goal: threading.Event() for goal in HELD}

    def __call__(self, request: Json) -> Answer:
        goal = request["messages"][0]["content"][0]["text"]
        self.asked[goal] += 1
        write = {"path": f"reports/{goal}.txt", "content": "Well.", "reason": "The goal asks for it."}
        answer = claude_server.message(claude_server.tool_use("toolu_1", "files__write", write))
        gate = self.gates.get(goal) if self.asked[goal] == 1 else None
        return Answer(200, answer.body, {"request-id": f"req_{goal}_{self.asked[goal]}"}, gate=gate)


class Trial:
    """M1, its model, its database from outside, and the runs by their goals."""

    def __init__(self, m1: Processes, claude: Claude, database: psycopg.Connection[Any]) -> None:
        self.m1, self.claude, self._database = m1, claude, database
        self.runs: dict[str, str] = {}

    def begin(self, goal: str) -> None:
        """Begin a run."""
        answer = self.m1.visitor("riley").post("runs", {"goal": goal, "agent": "claude"})
        assert answer.status == 201, answer.text
        self.runs[goal] = answer.json["id"]

    def one(self, query: str, *values: object) -> Any:
        """Return the first column of the first row, None without rows."""
        row = self._database.execute(query.encode(), values).fetchone()
        return row[0] if row else None

    def planner_of(self, goal: str) -> int:
        """Return the process that has taken the run."""
        claimed = self.one("SELECT claimed_by FROM agents_agentrun WHERE id = %s", self.runs[goal])
        return int(claimed.split(":")[1])

    def turns(self, goal: str) -> int:
        """Return how many turns of a run are on record."""
        return int(self.one("SELECT count(*) FROM agents_turn WHERE run_id = %s", self.runs[goal]))

    def waits_for_lock(self, words: str) -> bool:
        """Tell whether a statement with these words waits for a lock of somebody's."""
        found = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
        return bool(self.one(found, f"%{words}%"))

    @contextmanager
    def holding(self, statement: str, *values: object) -> Iterator[None]:
        """Hold what a statement locks, on a connection of its own."""
        with psycopg.connect(self.m1.facts.place.database_url) as holder:
            holder.execute(statement.encode(), values)
            yield
            holder.rollback()

    def said(self, goal: str, action: str) -> list[Json]:
        """Return the facts of a run's events of that name."""
        return [event["payload"] for event in self.m1.events(f"run:{self.runs[goal]}", action)]


@pytest.fixture(scope="module")
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """Every fault, each on a run of its own; when this returns, every run waits for people."""
    if not (database_url := own_database()):
        pytest.skip("needs PostgreSQL, whose locks hold a planner at a chosen line")
    with ClaudeServer(claude := Claude()) as server:
        model = {"ANTHROPIC_API_KEY": claude_server.KEY, "ANTHROPIC_BASE_URL": server.url}
        directory, planners = tmp_path_factory.mktemp("m1"), {"planner": f"--concurrency {PLANNERS}"}
        with (
            running(request.config, directory, database_url, effects="", model=model, arguments=planners) as m1,
            psycopg.connect(m1.facts.place.database_url, autocommit=True) as database,
        ):
            trial = Trial(m1, claude, database)
            pool = until(lambda: pool_of(m1), 60, what="the planner with its pool")
            before_the_request(trial, pool)
            break_everything(trial)
            until(lambda: all(trial.turns(goal) for goal in RUNS if goal != "cancelled"), SILENT_SECONDS, what="turns")
            after_the_lease(trial)
            yield trial
            for gate in claude.gates.values():
                gate.set()


def pool_of(m1: Processes) -> list[int]:
    """Return the processes of the planner's pool once all of them are there."""
    process = m1.children["planner"].process
    found = below(process.pid) if process else []
    return found if len(found) == PLANNERS else []


def kill(process: int) -> None:
    """End a pool process with -9."""
    os.kill(process, signal.SIGKILL)
    until(lambda: not is_alive(process), what=f"the end of {process}")


def before_the_request(trial: Trial, pool: list[int]) -> None:
    """Kill the planner that takes a run, before it has committed that, and so before it asks."""
    for process in pool:
        os.kill(process, signal.SIGSTOP)
    trial.begin("unasked")
    with trial.holding(LOCKED, trial.runs["unasked"]):
        for process in pool:
            os.kill(process, signal.SIGCONT)
        until(lambda: trial.waits_for_lock('SELECT "agents_agentrun"'), what="a planner takes the run")
        for process in pool:
            kill(process)
    until(lambda: pool_of(trial.m1), what="a new pool")


def break_everything(trial: Trial) -> None:
    """Begin the other runs, and do to each what its name says while the model thinks, or just after."""
    for goal in ("waiting", "unsaid", "stopped", "cancelled"):
        trial.begin(goal)
        until(lambda goal=goal: trial.claude.asked[goal], what=f"the request of {goal}")  # type: ignore[misc]
    kill(trial.planner_of("waiting"))
    os.kill(trial.planner_of("stopped"), signal.SIGSTOP)
    trial.claude.gates["stopped"].set()
    after_the_reply_before_the_commit(trial)
    while_it_is_cancelled(trial)
    told_ten_times(trial)
    after_the_commit(trial)


def after_the_reply_before_the_commit(trial: Trial) -> None:
    with trial.holding(LOCKED, trial.runs["unsaid"]):
        trial.claude.gates["unsaid"].set()
        until(lambda: trial.waits_for_lock('SELECT "agents_agentrun"'), what="the reply is about to be recorded")
        kill(trial.planner_of("unsaid"))


def while_it_is_cancelled(trial: Trial) -> None:
    answer = trial.m1.visitor("riley").post(f"runs/{trial.runs['cancelled']}/cancel", {"reason": "Enough."})
    assert answer.status == 200, answer.text
    until(lambda: trial.said("cancelled", "turn.discarded"), what="the planner waits no longer for a reply")


def told_ten_times(trial: Trial) -> None:
    trial.begin("delivered")
    broker = redis.Redis.from_url(trial.m1.redis.url)
    with Celery("stranger", broker=f"{trial.m1.facts.redis}/0", set_as_current=False) as stranger:
        for _ in range(10):
            stranger.send_task("agents.plan", args=[trial.runs["delivered"]], queue="planner")
        until(lambda: not broker.llen("planner"), what="the planners have heard it ten times")
        trial.claude.gates["delivered"].set()
        for _ in range(10):
            stranger.send_task("agents.plan", args=[trial.runs["delivered"]], queue="planner")
    until(lambda: trial.turns("delivered"), what="the turn is recorded")


def after_the_commit(trial: Trial) -> None:
    """Kill the planner that has committed the turn, and now tells a broker that does not answer of the preview."""
    trial.begin("recorded")
    until(lambda: trial.claude.asked["recorded"], what="the request")
    planner = trial.planner_of("recorded")
    trial.m1.redis.process.send_signal(signal.SIGSTOP)
    try:
        trial.claude.gates["recorded"].set()
        until(lambda: trial.turns("recorded"), what="the commit")
        kill(planner)
    finally:
        trial.m1.redis.process.send_signal(signal.SIGCONT)


def after_the_lease(trial: Trial) -> None:
    """Let the planner go on that was stopped; another has its run, and it reads its own reply only now."""
    for process in below(trial.m1.children["planner"].process.pid):  # type: ignore[union-attr]
        os.kill(process, signal.SIGCONT)
    until(lambda: trial.said("stopped", "turn.discarded"), what="the late reply is thrown away")


@pytest.mark.parametrize(
    ("goal", "asked", "turns"),
    [
        ("unasked", 1, 1),
        ("waiting", 2, 1),
        ("unsaid", 2, 1),
        ("stopped", 2, 1),
        ("cancelled", 1, 0),
        ("delivered", 1, 1),
        ("recorded", 1, 1),
    ],
)
def test_each_run_has_one_turn_and_the_model_was_asked_no_more_than_it_must(
    trial: Trial, goal: str, asked: int, turns: int
) -> None:
    run = trial.m1.visitor("ava").get(f"runs/{trial.runs[goal]}").json

    assert (trial.claude.asked[goal], trial.turns(goal), len(run["turns"])) == (asked, turns, turns)
    assert [len(turn["toolCalls"]) for turn in run["turns"]] == [1] * turns
    assert len(trial.said(goal, "turn.recorded")) == turns
    assert run["status"] == ("waiting" if turns else "cancelled") and not run["problem"].startswith("The worker")


@pytest.mark.parametrize(
    ("goal", "failed", "discarded"),
    [
        ("unasked", [], []),
        ("waiting", ["worker_silent"], []),
        ("unsaid", ["worker_silent"], []),
        ("stopped", ["worker_silent"], [("req_stopped_1", "0.0008")]),
        ("cancelled", [], [("", None)]),
        ("delivered", [], []),
        ("recorded", [], []),
    ],
)
def test_what_was_lost_is_on_record_with_what_is_known_of_its_cost(
    trial: Trial, goal: str, failed: list[str], discarded: list[tuple[str, str | None]]
) -> None:
    lost = trial.said(goal, "turn.discarded")

    assert [one["error_code"] for one in trial.said(goal, "turn.failed")] == failed
    assert [(one["provider_request_id"], one["cost_usd"]) for one in lost] == discarded


@pytest.mark.parametrize("goal", RUNS)
def test_cost_is_counted_once_and_for_what_is_recorded(trial: Trial, goal: str) -> None:
    spent = (
        "SELECT cost_usd = 0.0008 * turn_count AND tokens_used = 120 * turn_count FROM agents_agentrun WHERE id = %s"
    )

    assert trial.one(spent, trial.runs[goal]) is True


def test_the_runs_go_on_when_a_person_has_decided(trial: Trial) -> None:
    (write,) = trial.m1.waiting(trial.runs["stopped"])
    assert trial.m1.approve(write).status == 200
    until(lambda: trial.claude.asked["stopped"] == 3, what="the model is told")
    assert (trial.m1.facts.place.workspace / "reports/stopped.txt").read_text() == "Well."
