"""What is set wrong stops the start with one line that names it; what is set right starts. Each row is a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PAIR = Ed25519PrivateKey.generate()
PRIVATE = PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = PAIR.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
LONG = "s" * 40
WEB = {
    "M1_ROLE": "web", "SECRET_KEY": LONG, "M1_AUDIT_MAC_KEY": LONG, "M1_BROKER_URL": "redis://127.0.0.1:1/0",
    "M1_JWT_ALGORITHM": "EdDSA", "M1_JWT_PRIVATE_KEY": PRIVATE, "ALLOWED_HOSTS": "m1.example.com",
    "M1_URL": "https://m1.example.com",
}  # fmt: skip
EXECUTOR = {
    "M1_ROLE": "executor", "M1_AUDIT_MAC_KEY": LONG, "M1_BROKER_URL": "redis://127.0.0.1:1/0",
    "M1_JWT_ALGORITHM": "EdDSA", "M1_JWT_KEYS": json.dumps({"one": PUBLIC}),
}  # fmt: skip
PLANNER = {**EXECUTOR, "M1_ROLE": "planner"}


# A process that forks once per line of its input, so that only one has to import what all settings need.
SERVER = """
import json, os, sys
import environ, redis, policy.keys
for line in sys.stdin:
    pipes = [os.pipe(), os.pipe()]
    if not (child := os.fork()):
        for number, (_, writing) in enumerate(pipes, start=1):
            os.dup2(writing, number)
        os.environ.clear()
        os.environ.update(json.loads(line))
        from m1site import settings
        print(settings.M1_MODE)
        sys.exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for reading, writing in pipes:
        os.close(writing)
    told = [os.fdopen(reading).read() for reading, _ in pipes]
    print(json.dumps([code, *told]), flush=True)
"""


@dataclass(frozen=True)
class Told:
    """How a start ended."""

    returncode: int
    stdout: str
    stderr: str


Start = Callable[..., Told]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Read the settings in a process that has nothing but the environment given."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout

        def told(**environment: str) -> Told:
            print(json.dumps({"PATH": os.environ["PATH"], **environment}), file=server.stdin, flush=True)
            return Told(*json.loads(server.stdout.readline()))

        yield told
        server.stdin.close()


@pytest.mark.parametrize("role", [WEB, EXECUTOR, PLANNER, {}], ids=["web", "executor", "planner", "operator"])
def test_what_is_right_starts(start: Start, role: dict[str, str]) -> None:
    told = start(**role)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("production")


@pytest.mark.parametrize(
    ("role", "change", "name"),
    [
        ({}, {"M1_MODE": "prod"}, "M1_MODE"),
        ({}, {"M1_ROLE": "root"}, "M1_ROLE"),
        ({}, {"M1_APROVAL_TOKEN_TTL_MINUTES": "5"}, "M1_APROVAL_TOKEN_TTL_MINUTES"),  # misspelt
        ({}, {"M1_APPROVAL_TOKEN_TTL_MINUTES": "0"}, "M1_APPROVAL_TOKEN_TTL_MINUTES"),
        ({}, {"M1_APPROVAL_TOKEN_TTL_MINUTES": "soon"}, "M1_APPROVAL_TOKEN_TTL_MINUTES"),
        ({}, {"M1_NOTIFY_URLS": "mailto://x"}, "M1_NOTIFY_URLS"),  # nothing would read it
        ({}, {"RATE_LIMIT_REQUESTS_PER_HOUR": "1"}, "RATE_LIMIT_REQUESTS_PER_HOUR"),
        ({}, {"M1_CONFIG": "/nowhere/m1.env"}, "M1_CONFIG"),
        ({}, {"M1_TRUSTED_PROXIES": "everybody"}, "M1_TRUSTED_PROXIES"),
        ({}, {"DATABASE_URL": "mysql://localhost/m1"}, "DATABASE_URL"),
        ({}, {"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
        (WEB, {"SECRET_KEY": ""}, "SECRET_KEY"),
        (WEB, {"SECRET_KEY": "short"}, "SECRET_KEY"),
        (WEB, {"M1_AUDIT_MAC_KEY": "short"}, "M1_AUDIT_MAC_KEY"),
        (WEB, {"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        (WEB, {"M1_URL": "http://m1.example.com"}, "M1_URL"),
        (WEB, {"M1_BROKER_URL": ""}, "M1_BROKER_URL"),
        (WEB, {"M1_JWT_PRIVATE_KEY": ""}, "M1_JWT_PRIVATE_KEY"),
        (WEB, {"M1_JWT_PRIVATE_KEY": PUBLIC}, "M1_JWT_PRIVATE_KEY"),
        (WEB, {"M1_JWT_ALGORITHM": "none"}, "M1_JWT_ALGORITHM"),
        (WEB, {"M1_JWT_ALGORITHM": "HS256", "M1_JWT_SECRET": "x" * 31}, "M1_JWT_SECRET"),
        (WEB, {"ANTHROPIC_API_KEY": "k"}, "ANTHROPIC_API_KEY"),
        (EXECUTOR, {"M1_JWT_PRIVATE_KEY": PRIVATE}, "M1_JWT_PRIVATE_KEY"),
        (EXECUTOR, {"ANTHROPIC_API_KEY_FILE": "/dev/null"}, "ANTHROPIC_API_KEY"),
        (EXECUTOR, {"SECRET_KEY": LONG}, "SECRET_KEY"),
        (EXECUTOR, {"M1_JWT_KEYS": ""}, "M1_JWT_KEYS"),
        (EXECUTOR, {"M1_JWT_KEYS": '{"one": "short"}'}, "M1_JWT_KEYS"),
        (PLANNER, {"M1_EMAIL_URL": "smtp://user:password@mail.example.com"}, "M1_EMAIL_URL"),
        (PLANNER, {"M1_HTTP_HEADERS": "{}"}, "M1_HTTP_HEADERS"),
        (PLANNER, {"M1_FILES_ROOT": "/srv"}, "M1_FILES_ROOT"),
    ],
)
def test_what_is_wrong_stops_the_start_with_one_line(
    start: Start, role: dict[str, str], change: dict[str, str], name: str
) -> None:
    told = start(**{**role, **change})
    assert told.returncode == 1
    assert told.stderr.startswith(f"m1: {name}")
    assert told.stderr.count("\n") == 1
    assert "Traceback" not in told.stderr
    assert not any(value in told.stderr for value in (LONG, PRIVATE, "password"))


def test_the_environment_wins_over_the_file_and_a_mounted_secret_is_read(start: Start, tmp_path: Path) -> None:
    config, secret = tmp_path / "m1.env", tmp_path / "mac"
    config.write_text("M1_MODE=development\nM1_AUDIT_MAC_KEY_FILE=" + str(secret) + "\n")
    secret.write_text(LONG)
    assert start(M1_CONFIG=str(config)).stdout.startswith("development")
    assert start(M1_CONFIG=str(config), M1_MODE="demo").stdout.startswith("demo")
    secret.write_text("short")
    assert start(M1_CONFIG=str(config)).stderr.startswith("m1: M1_AUDIT_MAC_KEY")
