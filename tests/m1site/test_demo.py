"""`make demo` as a stranger meets it: real processes, real files, real sign-ins, and an end that leaves nothing.

One story, in the order of this file: a demo starts, its supervisor is killed while the run waits for people, and the
second start goes on to the end of the main job, on SQLite.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from m1site.demo.place import Place
from tests.m1site.demo_run import DemoPeople, DemoRun, environment, processes_of, wait_until
from tests.people import Call, assert_the_main_job_is_done

LAST_WORDS = "Begin afresh"
SECRETS = "SECRET_KEY M1_JWT_PRIVATE_KEY M1_JWT_KEYS ANTHROPIC_API_KEY M1_FILES_ROOT M1_EMAIL_URL M1_EMAIL_FROM".split()
HOLDS = {
    "web": {"SECRET_KEY", "M1_JWT_PRIVATE_KEY"},
    "planner": {"M1_JWT_KEYS", "ANTHROPIC_API_KEY"},
    "executor": {"M1_JWT_KEYS", "M1_FILES_ROOT", "M1_EMAIL_URL", "M1_EMAIL_FROM"},
    "housekeeping": set(),
    "redis": set(),
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """The demo, started for the first time."""
    with DemoRun(tmp_path_factory.mktemp("demo")) as demo:
        demo.read_until(LAST_WORDS)
        yield demo


@pytest.fixture(scope="module")
def waiting(first: DemoRun) -> list[Call]:
    """The two calls of the demo's run that wait for people: the e-mail, and the deletion of the draft."""
    people = DemoPeople(first, first.passwords)
    [run] = people.runs()
    return list(people.waiting(run, 2))


@pytest.fixture(scope="module")
def second(first: DemoRun, waiting: list[Call]) -> Iterator[DemoRun]:
    """The same demo, started again after its supervisor was killed."""
    first.end_by(signal.SIGKILL)
    with DemoRun(first.directory) as demo:
        demo.read_until(LAST_WORDS)
        yield demo


@pytest.fixture(scope="module")
def people(first: DemoRun, second: DemoRun) -> DemoPeople:
    """Whom the first start told their passwords, at the door of the second."""
    return DemoPeople(second, first.passwords)


def test_each_role_holds_its_own_secrets_only(first: DemoRun) -> None:
    found = [env for pid, env in processes_of(first.directory).items() if pid != first.process.pid]
    assert {env.get("M1_ROLE", "redis") for env in found} == set(HOLDS)
    for env in found:
        assert {name for name in SECRETS if name in env} == HOLDS[env.get("M1_ROLE", "redis")]
        assert "foreign" not in env.values()


def test_a_killed_supervisor_leaves_nothing(first: DemoRun, waiting: list[Call]) -> None:
    assert [call["tool"] for call in waiting] == ["email.send", "files.delete"]
    first.end_by(signal.SIGKILL)
    wait_until(lambda: not processes_of(first.directory))


def test_a_second_start_goes_on_and_shows_no_password(second: DemoRun, waiting: list[Call], people: DemoPeople) -> None:
    run = waiting[0]["run"]
    assert f"/runs/{run}/" in second.said
    assert "shown this once" not in second.said
    assert second.passwords == {}
    assert people.runs() == [run]


def test_another_demo_in_the_same_place_is_refused(second: DemoRun) -> None:
    with DemoRun(second.directory, "--reset") as third:
        said = third.the_end()
    assert third.process.returncode == 1
    assert "already" in said
    assert (second.directory / "ready").exists()


def test_the_main_job_is_done_on_sqlite(second: DemoRun, people: DemoPeople, waiting: list[Call]) -> None:
    place = Place.at(second.directory)
    assert place.database_url.startswith("sqlite:")
    mail, draft = waiting
    ava, riley = people.browser("ava"), people.browser("riley")
    assert "This is your own request" in riley.get(f"/approvals/{mail['requestId']}/")
    for call in (mail, draft):
        ava.submit(f"/approvals/{call['requestId']}/", answer="approve", comment="", named=call["tool"])
    assert people.status(draft) == "pending"
    assert people.approve(draft, "sam").json["status"] in ("approved", "executing", "succeeded")
    assert_the_main_job_is_done(people, place, str(mail["run"]), mail, draft)
    assert_the_archive_was_denied(people, str(mail["run"]))


def assert_the_archive_was_denied(people: DemoPeople, run: str) -> None:
    turns = people.visitor("riley").get(f"runs/{run}").json["turns"]
    [denied] = [call for turn in turns for call in turn["toolCalls"] if call["status"] == "denied"]
    assert denied["headline"] == "Delete archive/ledger.csv"
    told = people.visitor("riley").get(f"tool-calls/{denied['requestId']}").json
    assert told["note"].startswith("The archive is kept for seven years.")


def test_a_goal_is_taken_and_cancelled_on_sqlite(people: DemoPeople) -> None:
    riley = people.visitor("riley")
    given = riley.post("runs", {"goal": "Tidy up", "agent": "demo"})
    assert given.status == 201, given.text
    assert riley.post(f"runs/{given.json['id']}/cancel", {}).status == 200
    assert people.ended(given.json["id"])["status"] == "cancelled"


def test_an_executor_that_is_killed_has_a_successor(second: DemoRun) -> None:
    before = executors(second)
    os.kill(min(before), signal.SIGKILL)
    second.read_until("executor ended (by signal 9)")
    wait_until(lambda: executors(second) - before)


def executors(demo: DemoRun) -> set[int]:
    return {pid for pid in processes_of(demo.directory) if environment(pid).get("M1_ROLE") == "executor"}


def test_no_secret_is_in_a_log(first: DemoRun, second: DemoRun) -> None:
    secrets = [first.passwords[name] for name in ("riley", "ava", "sam")]
    secrets += [file.read_text() for file in (second.directory / "secrets").iterdir()]
    logs = "".join(file.read_text() for file in (second.directory / "logs").iterdir())
    assert [secret for secret in secrets if secret in logs] == []


def test_ctrl_c_ends_everything(first: DemoRun, second: DemoRun) -> None:
    said = second.end_by(signal.SIGINT)
    assert second.process.returncode == 0
    assert "stopped" in said
    assert "Traceback" not in first.said + second.said + said
    assert processes_of(second.directory) == {}


def test_a_demo_that_is_told_to_end_while_it_prepares_leaves_nothing(tmp_path: Path) -> None:
    with DemoRun(tmp_path) as demo:
        demo.read_until("preparing the demo")
        said = demo.end_by(signal.SIGTERM)
    assert demo.process.returncode == 0
    assert "stopped" in said
    assert "Traceback" not in said
    wait_until(lambda: not processes_of(tmp_path))
