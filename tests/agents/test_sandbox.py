"""A tool may hang, flood, crash, fork and lie; the worker stays, nothing of it does."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.sandbox import running
from agents.sandbox.running import Limits, Result
from policy import registry

TOOLS = registry.load(["tests.tools.hostile", "policy.tools.files"])
LIMITS = Limits(seconds=20, cpu_seconds=10, memory_mb=256, output_bytes=64_000, open_files=64)
REQUEST = str(uuid4())


def call(
    name: str,
    *,
    limits: Limits = LIMITS,
    environment: Mapping[str, str] | None = None,
    beat: Callable[[], bool] = lambda: True,
    **arguments: Any,
) -> Result:
    definition = TOOLS[name]
    return running.run(
        definition, definition.function, json.dumps(arguments).encode(),
        request_id=REQUEST, limits=limits, environment=environment or {}, beat=beat,
    )  # fmt: skip


def within(**changes: float) -> Limits:
    return Limits(**{**vars(LIMITS), **changes})


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After every test: no process and no directory of a tool."""
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    assert list(temporary.iterdir()) == []
    assert [process for process in Path("/proc").glob("[0-9]*") if is_ours(process)] == []


def is_ours(process: Path) -> bool:
    try:
        return REQUEST.encode() in (process / "environ").read_bytes()
    except OSError:
        return False


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_tool_answers_in_canonical_form() -> None:
    result = call("hostile.sleep", seconds=0.0)
    assert result == Result(True, '{"slept":0}', 11, hashlib.sha256(b'{"slept":0}').hexdigest(), False, "", "")


@pytest.mark.parametrize(("what", "output"), [("none", "null"), ("tuple", '[1,1,"é"]')])
def test_any_json_value_is_an_answer(what: str, output: str) -> None:
    assert call("hostile.returns", what=what).output == output


@pytest.mark.parametrize("what", ["bytes", "nan", "object", "surrogate", "deep", "nul", "huge"])
def test_what_is_not_json_is_told_and_kept_out(what: str) -> None:
    result = call("hostile.returns", what=what)
    assert (result.ok, result.error_code, result.output) == (False, "not_json", "")


@pytest.mark.parametrize(
    ("name", "arguments", "limits", "code"),
    [
        ("hostile.hang", {}, within(seconds=0.5), "timeout"),
        ("hostile.sleep", {"seconds": 100}, within(seconds=0.5), "timeout"),
        ("hostile.print", {}, LIMITS, "output_limit"),
        ("hostile.exit", {"status": 0}, LIMITS, "crashed"),
        ("hostile.exit", {"status": 3}, LIMITS, "crashed"),
        ("hostile.exit", {"status": 152}, LIMITS, "crashed"),
        ("hostile.kill", {"number": signal.SIGKILL}, LIMITS, "crashed"),
        ("hostile.kill", {"number": signal.SIGSEGV}, LIMITS, "crashed"),
        ("hostile.kill_group", {}, LIMITS, "crashed"),
        ("hostile.kill_parent", {}, LIMITS, "crashed"),
        ("hostile.raises", {"message": "no"}, LIMITS, "crashed"),
        ("hostile.memory", {"megabytes": 400}, LIMITS, "memory"),
        ("hostile.spin", {}, within(cpu_seconds=1), "cpu"),
        ("hostile.files", {"count": 100}, LIMITS, "crashed"),
        ("hostile.disk", {"megabytes": 2}, within(file_mb=1), "crashed"),
        ("hostile.bomb", {"count": 4, "depth": 3}, within(seconds=1), "timeout"),
    ],
)
def test_each_way_to_end_badly_has_its_code(name: str, arguments: dict[str, Any], limits: Limits, code: str) -> None:
    result = call(name, limits=limits, **arguments)
    assert (result.ok, result.error_code, result.output) == (False, code, "")
    assert result.error.endswith(".")


@pytest.mark.parametrize("limits", [within(memory_mb=512), within(memory_mb=512, file_mb=8)])
def test_within_its_limits_the_same_tool_succeeds(limits: Limits) -> None:
    assert call("hostile.memory", limits=limits, megabytes=200).ok
    assert call("hostile.files", limits=limits, count=30).ok
    assert call("hostile.disk", limits=limits, megabytes=2).ok


def test_a_result_that_is_too_large_is_cut_with_size_and_digest() -> None:
    whole = json.dumps({"text": "x" * 100_000}, separators=(",", ":")).encode()
    result = call("hostile.large", size=100_000)
    assert (result.ok, result.truncated, result.output_bytes) == (True, True, len(whole))
    assert result.output_digest == hashlib.sha256(whole).hexdigest()
    note = json.loads(result.output)
    assert note == {"truncated": True, "bytes": len(whole), "sha256": result.output_digest, "head": note["head"]}
    assert whole.decode().startswith(note["head"])
    assert len(result.output) < LIMITS.output_bytes


def test_a_sensitive_result_shows_no_head_when_it_is_cut() -> None:
    assert json.loads(call("hostile.large_secret", size=100_000).output)["head"] == ""


def test_a_result_of_exactly_the_limit_is_whole() -> None:
    assert not call("hostile.large", size=LIMITS.output_bytes - len('{"text":""}')).truncated
    assert call("hostile.large", size=LIMITS.output_bytes - len('{"text":""}') + 1).truncated


def test_a_tool_that_floods_the_result_itself_is_stopped_with_the_digest_of_what_was_read() -> None:
    result = call("hostile.pipe_flood")
    assert (result.ok, result.error_code, result.truncated) == (False, "output_limit", True)
    assert result.output_digest == hashlib.sha256(b"z" * result.output_bytes).hexdigest()
    assert result.output_bytes < 300_000


@pytest.mark.parametrize(
    "text",
    ["", "ok\n", "ok\n{", "ok\nNaN", 'ok\n{"a":1,"a":2}', "truncated\nx", "truncated\n1 2\n", "truncated\n", "crashed",
     "nonsense\n", "ok\n" + " " * 70_000, f"truncated\n{'9' * 40} {'a' * 64}\n", f"truncated\n-1 {'a' * 64}\nx"],
)  # fmt: skip
def test_a_forged_answer_is_judged_like_any_other_input(text: str) -> None:
    result = call("hostile.forge", text=text)
    assert (result.ok, result.output) == (False, "")
    assert result.error_code in ("not_json", "crashed")


def test_an_error_message_is_bounded_and_shows_its_hidden_characters() -> None:
    message = "no\x1b[2J\u202e" + "x" * 100_000
    result = call("hostile.quotes", secret=[], how=message)
    assert result.error_code == "tool_error"
    assert result.error.startswith("no⟦U+001B⟧[2J⟦U+202E⟧xxx")
    assert len(result.error) == 2_000


def test_an_unexpected_error_tells_its_type_and_not_its_text() -> None:
    result = call("hostile.raises", message="secret-canary")
    assert result.error == "The tool failed with RuntimeError."


def test_what_a_failed_tool_printed_is_logged_unless_it_handles_secrets(caplog: pytest.LogCaptureFixture) -> None:
    call("hostile.raises", message="told\nin one line")
    call("hostile.raises_secret", message="canary")
    call("hostile.tells", environment={"M1_TEST_GRANTED": "smtp://user:canary@host"})
    told, withheld, masked = caplog.messages
    assert "told\\nin one line" in told
    assert "withheld: the tool handles sensitive fields" in withheld
    assert "cannot connect with [M1_TEST_GRANTED]" in masked
    assert "canary" not in caplog.text
    assert [message for message in caplog.messages if "\n" in message] == []


def test_a_tool_sees_its_own_variables_and_nothing_else_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M1_JWT_SECRET", "canary-in-the-worker")
    leak = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(leak, True)
    granted = {"M1_TEST_GRANTED": "yes", "M1_AUDIT_MAC_KEY": "canary-in-the-mapping", **os.environ}
    seen = json.loads(call("hostile.look", environment=granted).output)
    os.close(leak)
    assert set(seen["environment"]) - {"LC_CTYPE"} == {"M1_TEST_GRANTED", "M1_REQUEST_ID", "TMPDIR"}
    assert seen["environment"]["M1_REQUEST_ID"] == REQUEST
    assert len(seen["descriptors"]) == 5  # standard streams, the result, and the listing itself
    assert (seen["directory"], seen["stdin"], seen["modules"], seen["session_leader"]) == ([], "", [], True)
    assert seen["inheritable"] == []  # so that a program which the tool starts cannot speak for it
    assert seen["core_bytes"] == [0, 0]
    assert "CapEff:\t0000000000000000" in seen["status"]
    assert "NoNewPrivs:\t1" in seen["status"]


def test_a_tool_cannot_read_the_workers_environment_from_proc() -> None:
    script = f"""
import sys; sys.path[:] = {sys.path!r}
from tests.agents.test_sandbox import call
print(call("hostile.search", word="canary-in-" + "the-worker").output)
import ctypes
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE: what keeps a worker that is not root out of reach
"""
    environment = {**os.environ, "M1_AUDIT_MAC_KEY": "canary-in-the-worker"}
    worker = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert worker.stdout == '{"found":[]}\n0\n'


def test_a_process_left_behind_dies_with_the_tool() -> None:
    pids = json.loads(call("hostile.survivor", then="return").output)
    assert [name for name, pid in pids.items() if is_alive(pid)] == ["nanny"]  # which stays for the next one


def test_a_beat_that_says_no_stops_the_tool_and_all_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    result = call("hostile.survivor", environment={"M1_TEST_PIDS": str(file)}, beat=lambda: False, then="wait")
    assert result.error_code == "cancelled"
    nanny, tool, orphan, _ = file.read_text().split()
    assert [pid for pid in (tool, orphan) if is_alive(int(pid))] == []
    assert is_alive(int(nanny))


def test_a_beat_that_fails_stops_the_tool_and_is_heard() -> None:
    def beat() -> bool:
        raise ConnectionError("the database is away")

    with pytest.raises(ConnectionError):
        call("hostile.sleep", seconds=60, beat=beat)


def test_the_beat_goes_on_while_a_tool_runs_that_has_shut_its_pipes() -> None:
    beats: list[int] = []

    def beat() -> bool:
        beats.append(1)
        return len(beats) < 2

    assert call("hostile.hang", beat=beat).error_code == "cancelled"


def test_a_worker_killed_with_9_takes_the_tool_and_its_orphans_along(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    os.mkfifo(file)
    script = f"""
import sys; sys.path[:] = {sys.path!r}
from tests.agents.test_sandbox import call
call("hostile.survivor", environment={{"M1_TEST_PIDS": {str(file)!r}}}, then="wait")
"""
    worker = subprocess.Popen([sys.executable, "-c", script])
    nanny, tool, orphan, directory = file.read_text().split()
    ends = [os.pidfd_open(int(pid)) for pid in (nanny, tool, orphan)]
    worker.kill()
    worker.wait()
    for end in ends:  # readable once the process has ended
        assert select.select([end], [], [], 30)[0]
        os.close(end)
    assert not Path(directory).exists()


def test_many_tools_run_at_once_in_threads() -> None:
    results: list[Result] = []
    threads = [threading.Thread(target=lambda: results.append(call("hostile.sleep", seconds=0))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.output for result in results] == ['{"slept":0}'] * 8


def test_only_the_tools_own_functions_are_run() -> None:
    with pytest.raises(ValueError, match="has no function"):
        running.run(
            TOOLS["files.read"], "_open_root", b"{}",
            request_id=REQUEST, limits=LIMITS, environment={}, beat=lambda: True,
        )  # fmt: skip


def test_a_preview_runs_like_the_tool(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    result = running.run(
        TOOLS["files.delete"], "preview_delete", b'{"path":"a.txt"}',
        request_id=REQUEST, limits=LIMITS, environment={"M1_FILES_ROOT": str(tmp_path)}, beat=lambda: True,
    )  # fmt: skip
    digest = hashlib.sha256(b"hello").hexdigest()
    assert json.loads(result.output) == {
        "kind": "text",
        "summary": f"Deletes 5 bytes (SHA-256 {digest})",
        "body": "hello",
    }
    assert (tmp_path / "a.txt").exists()
