"""The parts of the demo one by one: who is told what, where it listens, what a reset takes away, what starts again."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from m1site.demo import door, environment, keys, people, roles, supervisor, workspace
from m1site.demo.environment import Facts
from m1site.demo.errors import DemoError
from m1site.demo.place import Place
from m1site.demo.processes import Child, run_once, stop_all
from policy import key_list
from policy.keys import KeyRing
from tests.m1site.demo_run import wait_until

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    place = Place.at(tmp_path)
    place.make()
    model = {"ANTHROPIC_API_KEY": "model-key"}
    return Facts(place, keys.load(place.secrets), "http://localhost:8000", "redis://:word@127.0.0.1:6379", model)


@pytest.mark.parametrize(
    ("role", "held"),
    [
        ("", {"mac"}),
        ("web", {"mac", "session", "sign"}),
        ("planner", {"mac", "model"}),
        ("executor", {"mac", "files", "mail"}),
        ("housekeeping", {"mac"}),
    ],
)
def test_a_role_is_told_its_own_secrets_and_nothing_of_the_user(
    facts: Facts, role: str, held: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "foreign")
    told = list(environment.of(role, facts).values())
    secrets = {
        "mac": facts.keys.audit_mac_key,
        "session": facts.keys.session_key,
        "sign": facts.keys.private_key,
        "model": "model-key",
        "files": str(facts.place.workspace),
        "mail": facts.place.email_url,
    }
    assert {name for name, secret in secrets.items() if secret in told} == held
    assert "foreign" not in told


def test_only_the_worker_that_tells_people_is_told_the_addresses(facts: Facts) -> None:
    names = [child.name for child in roles.children(facts, [], 0)]
    told = replace(facts, notify={"M1_NOTIFY_URLS": "json://user:hunter2@host"})
    children = {child.name: child for child in roles.children(told, [], 0)}
    assert list(children) == [*names, "notifications"]
    assert [name for name, child in children.items() if "hunter2" in str(child.environment)] == ["notifications"]
    assert children["notifications"].environment["M1_ROLE"] == "housekeeping"
    assert "hunter2" not in repr((told, children))


def test_a_bad_address_stops_the_demo_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment.TO_REACH:
        monkeypatch.delenv(name, raising=False)
    assert supervisor.notify_settings() == {}
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("M1_NOTIFY_URLS", "json://one json://two")
    assert supervisor.notify_settings() == {
        "M1_NOTIFY_URLS": "json://one json://two",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    monkeypatch.setenv("M1_NOTIFY_URLS", "json://one nope://hunter2")
    with pytest.raises(SystemExit, match="^m1: M1_NOTIFY_URLS: entry 2 is not") as told:
        supervisor.notify_settings()
    assert "hunter2" not in str(told.value)


def test_what_the_supervisor_starts_inherits_nothing_of_the_user() -> None:
    program = "import subprocess; from m1site.demo import environment; environment.let_go(); subprocess.run(['env'])"
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": "foreign"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "PATH=" in told
    assert "foreign" not in told


def test_secrets_are_made_once_and_readable_by_their_owner_only(facts: Facts) -> None:
    again = keys.load(facts.place.secrets)
    assert again == facts.keys
    modes = {stat.S_IMODE(file.stat().st_mode) for file in facts.place.secrets.iterdir()}
    assert modes == {0o600}


def test_the_public_key_verifies_what_the_private_one_signs(facts: Facts) -> None:
    signing = KeyRing().with_private_key(facts.keys.private_key).signing
    assert signing
    assert list(key_list.parse(facts.keys.public_keys).verifying) == [signing.kid]
    assert "PRIVATE" not in facts.keys.public_keys


def test_a_damaged_key_is_named_with_the_way_out(facts: Facts) -> None:
    (facts.place.secrets / "approvals.pem").write_text("-----BEGIN")
    with pytest.raises(DemoError, match=r"approvals\.pem is damaged.*RESET=1"):
        keys.load(facts.place.secrets)


def test_clear_removes_what_the_demo_made_and_nothing_else(facts: Facts) -> None:
    mine = facts.place.directory / "mine.txt"
    mine.touch()
    workspace.fill(facts.place.workspace)
    facts.place.ready.touch()
    facts.place.clear()
    assert list(facts.place.directory.iterdir()) == [mine]


def test_a_folder_with_odd_letters_keeps_its_name_in_addresses(tmp_path: Path) -> None:
    place = Place.at(tmp_path / "a b#c%?")
    assert place.database_url.endswith("/a%20b%23c%25%3F/database/m1.sqlite3")
    assert place.email_url.endswith("/a%20b%23c%25%3F/mail")


def test_the_ledger_is_the_largest_file_and_ends_long_ago(tmp_path: Path) -> None:
    workspace.fill(tmp_path)
    sizes = {file.name: file.stat().st_size for file in tmp_path.rglob("*.*")}
    assert max(sizes, key=sizes.__getitem__) == "ledger.csv"
    assert workspace.ledger().splitlines()[-1].startswith("2019-12-31")


def test_passwords_can_be_read_and_are_never_the_same() -> None:
    passwords = {people.readable_password() for _ in range(500)}
    assert len(passwords) == 500
    assert all(len(password) == 19 and password.replace("-", "").isalpha() for password in passwords)


def test_a_port_that_is_taken_gives_way_to_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listening = door.listen(port)
        assert port < door.port_of(listening) < port + door.PORTS_TRIED
        assert {one.getsockname()[1] for one in listening} == {door.port_of(listening)}
        for one in listening:
            one.close()


def child(tmp_path: Path, program: str) -> Child:
    return Child("deaf", [sys.executable, "-c", program], dict(os.environ), tmp_path / "log", [], signal.SIGQUIT)


def test_a_process_that_does_not_listen_is_ended_all_the_same(tmp_path: Path) -> None:
    deaf = child(tmp_path, DEAF)
    deaf.start()
    process = deaf.process
    wait_until(lambda: "deaf" in (tmp_path / "log").read_text())
    stop_all([deaf], seconds=0.1)
    assert process
    assert process.returncode == -signal.SIGKILL


def test_a_process_that_ends_starts_again_later_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    short = child(tmp_path, "raise SystemExit(3)")
    short.start()
    for pause in (0.5, 1, 2):
        assert short.process
        short.process.wait()
        assert short.look_after() == f"deaf ended (with exit code 3); it starts again in {pause:g} s"
        assert short.look_after() == ""
        assert short.process is None
        now += pause
        assert short.look_after() == ""


def test_a_step_that_fails_tells_its_last_line(tmp_path: Path) -> None:
    program = "import sys; print('one\\nthe reason', file=sys.stderr); sys.exit(1)"
    with pytest.raises(DemoError, match="the set-up failed: the reason"):
        run_once([sys.executable, "-c", program], dict(os.environ), tmp_path / "log", [])
