"""`make demo` as a stranger meets it: real processes, real files, real sign-ins, and an end that leaves nothing."""

import os
import signal
from pathlib import Path

from tests.m1site.demo_run import (
    Browser,
    DemoRun,
    environment,
    processes_of,
    signed_in,
    wait_until,
)

LAST_WORDS = "Begin afresh"
SECRETS = "SECRET_KEY M1_JWT_PRIVATE_KEY M1_JWT_KEYS ANTHROPIC_API_KEY M1_FILES_ROOT M1_EMAIL_URL M1_EMAIL_FROM".split()
HOLDS = {
    "web": {"SECRET_KEY", "M1_JWT_PRIVATE_KEY"},
    "planner": {"M1_JWT_KEYS", "ANTHROPIC_API_KEY"},
    "executor": {"M1_JWT_KEYS", "M1_FILES_ROOT", "M1_EMAIL_URL", "M1_EMAIL_FROM"},
    "housekeeping": set(),
    "redis": set(),
}


def test_the_story_of_the_demo_from_the_first_start_to_the_end_of_the_run(tmp_path: Path) -> None:
    with DemoRun(tmp_path) as demo:
        demo.read_until(LAST_WORDS)
        assert_each_role_holds_its_own_secrets_only(demo)
        people_decide(demo)
        assert not (tmp_path / "workspace/orders/1001-draft.txt").exists()
        assert (tmp_path / "workspace/archive/ledger.csv").exists()
        assert "To: customer@example.com" in "".join(mail.read_text() for mail in (tmp_path / "mail").iterdir())
        assert_no_secret_is_in_a_log(demo)
        said = demo.end_by(signal.SIGINT)
    assert demo.process.returncode == 0
    assert "stopped" in said
    assert "Traceback" not in demo.said + said
    assert processes_of(tmp_path) == {}


def test_a_second_start_goes_on_and_a_killed_supervisor_leaves_nothing(tmp_path: Path) -> None:
    with DemoRun(tmp_path) as first:
        first.read_until(LAST_WORDS)
        [run] = signed_in(first, "riley").runs()
        first.end_by(signal.SIGKILL)
    wait_until(lambda: not processes_of(tmp_path))
    with DemoRun(tmp_path) as second:
        second.read_until(LAST_WORDS)
        assert f"/runs/{run['id']}/" in second.said
        assert "shown this once" not in second.said
        browser = Browser(second.url)
        browser.submit("/accounts/login/", login="riley", password=first.password("riley"))
        assert [one["id"] for one in browser.runs()] == [run["id"]]
        assert_another_demo_is_refused(tmp_path)
        kill_the_executor(second)
        second.end_by(signal.SIGTERM)
    assert processes_of(tmp_path) == {}


def people_decide(demo: DemoRun) -> None:
    """Approve the e-mail as one person, the deletion as two; riley, who asked, cannot."""
    ava, sam, riley = (signed_in(demo, name) for name in ("ava", "sam", "riley"))
    wait_until(lambda: pending(ava) == {"email.send", "files.delete"})
    calls = {call["tool"]: call["requestId"] for call in ava.calls() if call["status"] == "pending"}
    assert "This is your own request" in riley.get(f"/approvals/{calls['email.send']}/")
    for browser, tool in ((ava, "email.send"), (ava, "files.delete"), (sam, "files.delete")):
        browser.submit(f"/approvals/{calls[tool]}/", answer="approve", comment="")
    wait_until(lambda: riley.runs()[0]["status"] == "completed")
    [denied] = [call for call in riley.calls() if call["status"] == "denied"]
    assert denied["headline"] == "Delete archive/ledger.csv"
    assert denied["note"].startswith("The archive is kept for seven years.")


def pending(browser: Browser) -> set[str]:
    return {call["tool"] for call in browser.calls() if call["status"] == "pending"}


def assert_each_role_holds_its_own_secrets_only(demo: DemoRun) -> None:
    found = [env for pid, env in processes_of(demo.directory).items() if pid != demo.process.pid]
    assert {env.get("M1_ROLE", "redis") for env in found} == set(HOLDS)
    for env in found:
        assert {name for name in SECRETS if name in env} == HOLDS[env.get("M1_ROLE", "redis")]
        assert "foreign" not in env.values()


def assert_no_secret_is_in_a_log(demo: DemoRun) -> None:
    secrets = [demo.password(name) for name in ("riley", "ava", "sam")]
    secrets += [file.read_text() for file in (demo.directory / "secrets").iterdir()]
    logs = "".join(file.read_text() for file in (demo.directory / "logs").iterdir())
    assert [secret for secret in secrets if secret in logs] == []


def assert_another_demo_is_refused(directory: Path) -> None:
    with DemoRun(directory, "--reset") as third:
        said = third.the_end()
    assert third.process.returncode == 1
    assert "already" in said
    assert (directory / "ready").exists()


def kill_the_executor(demo: DemoRun) -> None:
    """Kill one worker; the supervisor says so, and another takes its place."""
    executors = lambda: {pid for pid in processes_of(demo.directory) if environment(pid).get("M1_ROLE") == "executor"}  # noqa: E731
    before = executors()
    os.kill(min(before), signal.SIGKILL)
    demo.read_until("executor ended (by signal 9)")
    wait_until(lambda: executors() - before)
