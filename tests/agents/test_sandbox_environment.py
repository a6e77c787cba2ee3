"""A tool's variable may be a mounted file; one that cannot be read stops the tool before it starts."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from agents.sandbox import running
from agents.sandbox.environment import MAX_BYTES, granted
from agents.sandbox.running import Limits, Result
from policy import registry

LOOK = registry.load(["tests.tools.hostile"])["hostile.look"]
NAME = "M1_TEST_GRANTED"
LIMITS = Limits(seconds=20, cpu_seconds=10, memory_mb=256, output_bytes=64_000, open_files=64)


def look(environment: Mapping[str, str]) -> Result:
    return running.run(
        LOOK, LOOK.function, b"{}",
        request_id=str(uuid4()), limits=LIMITS, environment=environment, beat=lambda: True,
    )  # fmt: skip


def test_a_mounted_file_is_the_variable_and_the_tool_does_not_learn_its_path(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file é\n")
    environment = {NAME: "from the environment", f"{NAME}_FILE": str(tmp_path / "secret"), "M1_JWT_SECRET_FILE": "/x"}
    seen = json.loads(look(environment).output)["environment"]
    assert set(seen) - {"LC_CTYPE"} == {NAME, "M1_REQUEST_ID", "TMPDIR"}
    assert seen[NAME] == "from the file é\n"  # to the letter, as the settings read theirs


def test_a_file_is_read_for_every_call(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for value in ("one", "two"):
        file.write_text(value)
        assert granted(LOOK, {f"{NAME}_FILE": str(file)}) == {NAME: value}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        ({NAME: ""}, {NAME: ""}),
        ({NAME: "x", f"{NAME}_FILE": ""}, {NAME: "x"}),
        ({NAME: "x", "HOME": "/root", "HOME_FILE": "/etc/passwd"}, {NAME: "x"}),
    ],
)
def test_what_is_not_declared_is_not_granted(environment: dict[str, str], expected: dict[str, str]) -> None:
    assert granted(LOOK, environment) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, f"{NAME}_FILE cannot be read (FileNotFoundError)"),
        (b"\xff", f"{NAME}_FILE cannot be read (UnicodeDecodeError)"),
        (b"secret\0canary", f"{NAME} holds a NUL or more than 100,000 bytes"),
        ("é".encode() * (MAX_BYTES // 2 + 1), f"{NAME} holds a NUL or more than 100,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_a_variable_stops_the_tool_before_it_starts(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    result = look({f"{NAME}_FILE": str(file)})
    assert (result.error_code, result.error) == ("tool_error", f"{reason}; the tool was not started.")


def test_the_largest_variable_starts_a_tool() -> None:
    wide = dataclasses.replace(LIMITS, output_bytes=200_000)
    result = running.run(
        LOOK, LOOK.function, b"{}", request_id=str(uuid4()), limits=wide,
        environment={NAME: "x" * MAX_BYTES, **os.environ}, beat=lambda: True,
    )  # fmt: skip
    assert len(json.loads(result.output)["environment"][NAME]) == MAX_BYTES


def test_a_value_out_of_a_file_is_masked_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tells = registry.load(["tests.tools.hostile"])["hostile.tells"]
    (tmp_path / "secret").write_text("smtp://user:canary@host")
    running.run(
        tells, tells.function, b"{}", request_id=str(uuid4()), limits=LIMITS,
        environment={f"{NAME}_FILE": str(tmp_path / "secret")}, beat=lambda: True,
    )  # fmt: skip
    assert f"[{NAME}]" in caplog.text
    assert "canary" not in caplog.text
