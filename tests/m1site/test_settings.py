"""What is set wrong stops the start with one line that names it; what is set right starts. Each row is a process."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from m1site import weak

RFC_8410 = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
"""
PAIR = Ed25519PrivateKey.generate()
PRIVATE = PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = PAIR.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
LONG, MAC, JWT = (secrets.token_urlsafe(48) for _ in range(3))
AT = "2026-01-31T12:00:00Z"
WEB = {
    "M1_ROLE": "web", "SECRET_KEY": LONG, "M1_AUDIT_MAC_KEY": MAC, "M1_BROKER_URL": "redis://127.0.0.1:1/0",
    "M1_JWT_ALGORITHM": "EdDSA", "M1_JWT_PRIVATE_KEY": PRIVATE, "ALLOWED_HOSTS": "m1.example.com",
    "M1_URL": "https://m1.example.com",
}  # fmt: skip
EXECUTOR = {
    "M1_ROLE": "executor", "M1_AUDIT_MAC_KEY": MAC, "M1_BROKER_URL": "redis://127.0.0.1:1/0",
    "M1_JWT_ALGORITHM": "EdDSA", "M1_JWT_KEYS": json.dumps({"one": PUBLIC}),
}  # fmt: skip
TOLD = "json://user:password@hooks.example.com/x mailto://a.example.com?from=m1@example.com&to=b@x.org,c@x.org"
TELLER = {
    "M1_ROLE": "housekeeping", "M1_AUDIT_MAC_KEY": MAC, "M1_BROKER_URL": "redis://127.0.0.1:1/0",
    "M1_NOTIFY_URLS": TOLD, "M1_URL": "https://m1.example.com",
}  # fmt: skip
PLANNER = {**EXECUTOR, "M1_ROLE": "planner"}
OIDC = {"M1_OIDC_URL": "https://id.example.com", "M1_OIDC_CLIENT_ID": "m1", "M1_OIDC_CLIENT_SECRET": "secret-of-it"}
SHARED = {**EXECUTOR, "M1_JWT_ALGORITHM": "HS256", "M1_JWT_KEYS": json.dumps({"one": JWT, "two": MAC[::-1]})}
SIGNS = {**{name: value for name, value in WEB.items() if name != "M1_JWT_PRIVATE_KEY"}, "M1_JWT_ALGORITHM": "HS256"}
RETIRED = json.dumps({"one": {"key": PUBLIC, "retired_at": AT}})
WEAK = {  # by what gives each away
    "Django's template": "django-insecure-" + LONG[:48],
    "a default": "changeme" * 5,
    "a default with a tail": "ChangeMe-" + LONG[:40],
    "a word": "my-secret-for-production-" + LONG[:20],
    "a word in disguise": "P.a.s.s.w.o.r.d-" + LONG[:40],
    "the key of a tutorial": "your-256-bit-secret-your-256-bit",
    "a key of an RFC": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "one character": "s" * 64,
    "few characters": "abcabdacbadcbcabdacbdcabcadbcabdabcd",
    "mostly one character": "a" * 60 + LONG[:9],
    "a block repeated": LONG[:16] * 3,
    "a long block repeated": LONG[:31] * 2,
    "the alphabet": "abcdefghijklmnopqrstuvwxyz0123456789",
    "the alphabet backwards": "zyxwvutsrqponmlkjihgfedcba9876543210",
    "two sequences folded into one": "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8",
}


# A process that forks once per line of its input, so that only one has to import what all settings need.
SERVER = """
import json, os, sys
import environ, redis, policy.keys
from agents.notifications import urls
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


@pytest.mark.parametrize(
    "role",
    [
        WEB, {**WEB, **OIDC}, EXECUTOR, PLANNER, {}, SHARED, {**SIGNS, "M1_JWT_SECRET": JWT},
        {**SIGNS, "M1_JWT_SECRET": JWT, "M1_JWT_KEYS": SHARED["M1_JWT_KEYS"]}, {**EXECUTOR, "M1_JWT_KEYS": RETIRED},
        TELLER, {**TELLER, "M1_ROLE": "", "M1_NOTIFY_URLS": "policy%20author=json://h\n  finance=json://h "},
    ],
    ids=["web", "sign-on", "executor", "planner", "operator", "HS256", "HS256 web", "HS256 listed too", "retired",
         "teller", "groups"],
)  # fmt: skip
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
        ({}, {"M1_CHECKPOINT_KEY": "x"}, "M1_CHECKPOINT_KEY"),  # nothing would read it
        ({}, {"M1_NOTIFY_URLS": "json//user:password@host"}, "M1_NOTIFY_URLS: entry 1 is not an Apprise address"),
        (TELLER, {"M1_NOTIFY_URLS": f"{TOLD} nope://password"}, "M1_NOTIFY_URLS: entry 3 is not an address that"),
        (TELLER, {"M1_NOTIFY_URLS": "slack://password"}, "M1_NOTIFY_URLS: entry 1 is not an address that"),
        (TELLER, {"M1_NOTIFY_URLS": "=json://password"}, "M1_NOTIFY_URLS: entry 1 names no group"),
        (TELLER, {"M1_NOTIFY_URLS": f"{TOLD} {TOLD}"}, "M1_NOTIFY_URLS: entry 3 is there twice"),
        (TELLER, {"M1_NOTIFY_URLS": " ".join(f"json://password{n}" for n in range(21))}, "M1_NOTIFY_URLS: has 21"),
        (TELLER, {"M1_URL": "http://m1.example.com"}, "M1_URL"),
        (TELLER, {"M1_NOTIFY_URLS_FILE": "/nowhere"}, "M1_NOTIFY_URLS"),
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
        (WEB, {"ALLOWED_HOSTS": "m1.example.com, *"}, "ALLOWED_HOSTS"),
        (WEB, {"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        (WEB, {"M1_JWT_KEYS": RETIRED}, "M1_JWT_PRIVATE_KEY"),  # it would sign what it refuses
        (WEB, {"M1_JWT_KEYS": '{"one": {"key": "x"}}'}, "M1_JWT_KEYS"),
        (WEB, {"M1_JWT_PRIVATE_KEY": RFC_8410}, "M1_JWT_PRIVATE_KEY"),
        (WEB, {"M1_AUDIT_MAC_KEY": LONG}, "M1_AUDIT_MAC_KEY: has the same value as SECRET_KEY"),
        (SIGNS, {"M1_JWT_SECRET": LONG}, "M1_JWT_SECRET: has the same value as SECRET_KEY"),
        (SIGNS, {"M1_JWT_SECRET": MAC}, "M1_AUDIT_MAC_KEY: has the same value as M1_JWT_SECRET"),
        (SIGNS, {"M1_JWT_SECRET": ""}, "M1_JWT_SECRET"),
        (SHARED, {"M1_JWT_KEYS": ""}, "M1_JWT_SECRET"),
        (SHARED, {"M1_JWT_KEYS": json.dumps({"one": MAC})}, "M1_AUDIT_MAC_KEY: has the same value as M1_JWT_KEYS"),
        (SHARED, {"M1_JWT_KEYS": json.dumps({"one": "changeme" * 5})}, "M1_JWT_KEYS: can be guessed"),
        (WEB, {"ANTHROPIC_API_KEY": "k"}, "ANTHROPIC_API_KEY"),
        (EXECUTOR, {"M1_JWT_PRIVATE_KEY": PRIVATE}, "M1_JWT_PRIVATE_KEY"),
        (EXECUTOR, {"ANTHROPIC_API_KEY_FILE": "/dev/null"}, "ANTHROPIC_API_KEY"),
        (EXECUTOR, {"SECRET_KEY": LONG}, "SECRET_KEY"),
        (EXECUTOR, {"M1_JWT_KEYS": ""}, "M1_JWT_KEYS"),
        (EXECUTOR, {"M1_JWT_KEYS": '{"one": "short"}'}, "M1_JWT_KEYS"),
        (WEB, {"M1_OIDC_URL": "https://id.example.com"}, "M1_OIDC_CLIENT_ID"),
        (WEB, {"M1_OIDC_URL": "https://id.example.com", "M1_OIDC_CLIENT_ID": "m1"}, "M1_OIDC_CLIENT_SECRET"),
        (WEB, {"M1_OIDC_CLIENT_SECRET": "s"}, "M1_OIDC_URL"),
        (WEB, {**OIDC, "M1_OIDC_URL": "http://id.example.com"}, "M1_OIDC_URL"),
        (WEB, {**OIDC, "M1_OIDC_LINK_BY": "sub"}, "M1_OIDC_LINK_BY"),
        (EXECUTOR, OIDC, "M1_OIDC_URL"),
        (PLANNER, {"M1_OIDC_CLIENT_SECRET_FILE": "/dev/null"}, "M1_OIDC_CLIENT_SECRET"),
        (PLANNER, {"M1_EMAIL_URL": "smtp://user:password@mail.example.com"}, "M1_EMAIL_URL"),
        (PLANNER, {"M1_HTTP_HEADERS": "{}"}, "M1_HTTP_HEADERS"),
        (PLANNER, {"M1_FILES_ROOT": "/srv"}, "M1_FILES_ROOT"),
        (WEB, {"M1_NOTIFY_URLS": TOLD}, "M1_NOTIFY_URLS: must not be given"),
        (PLANNER, {"M1_NOTIFY_URLS": TOLD}, "M1_NOTIFY_URLS: must not be given"),
        (EXECUTOR, {"M1_NOTIFY_URLS_FILE": "/dev/null"}, "M1_NOTIFY_URLS"),
        (SHARED, {"M1_ROLE": "housekeeping"}, "M1_JWT_KEYS: must not be given"),
        (TELLER, {"M1_JWT_SECRET": JWT}, "M1_JWT_SECRET: must not be given"),
        (PLANNER, {"M1_API_KEY": "m1_key"}, "M1_API_KEY: must not be given"),
        (EXECUTOR, {"ANTHROPIC_AUTH_TOKEN": "t"}, "ANTHROPIC_AUTH_TOKEN: must not be given"),
        *(
            (WEB, {"M1_BROKER_URL": url}, "M1_BROKER_URL: is no address of a broker")
            for url in (
                "redis",
                "memory://",
                "filesystem:///tmp",
                "sqs://key:password@",
                "redis://",
                "amqp:///",
                "http://:password@h",
                "redis://h;amqp://password@h",
                "redis://h;",
            )
        ),
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
    assert not any(value in told.stderr for value in (LONG, MAC, JWT, PRIVATE, "password"))


@pytest.mark.parametrize("mode", ["production", "development", "demo"])
def test_a_secret_that_can_be_guessed_stops_the_start_outside_the_demo(start: Start, mode: str) -> None:
    secret = WEAK["Django's template"]
    told = start(**{**WEB, "SECRET_KEY": secret, "M1_MODE": mode})
    if mode == "demo":
        assert (told.returncode, told.stderr) == (0, "")
        return
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert told.stderr.startswith("m1: SECRET_KEY: can be guessed: it ")
    assert "secrets.token_urlsafe(48)" in told.stderr
    assert secret not in told.stderr


@pytest.mark.parametrize("secret", WEAK.values(), ids=WEAK)
def test_what_can_be_guessed_is_told_by_its_look(secret: str) -> None:
    assert len(secret.encode()) >= 32
    assert weak.why(secret.encode())


def test_secrets_that_were_drawn_are_never_taken_for_guessed() -> None:
    for make in (lambda: secrets.token_urlsafe(48), lambda: secrets.token_hex(32), lambda: secrets.token_hex(16)):
        assert not [found for _ in range(1_000) if (found := weak.why(make().encode()))]


@pytest.mark.parametrize(("role", "secret"), [(PLANNER, "M1_EMAIL_URL"), (EXECUTOR, "SECRET_KEY")])
@pytest.mark.parametrize("line", ["{}=hidden", "{}_FILE=/dev/null"])
def test_a_dotenv_file_hides_none(start: Start, tmp_path: Path, role: dict[str, str], secret: str, line: str) -> None:
    (tmp_path / "m1.env").write_text(line.format(secret))
    told = start(**role, M1_CONFIG=str(tmp_path / "m1.env"))
    assert (told.returncode, told.stderr.partition(" given")[0]) == (1, f"m1: {secret}: must not be")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of Python as a process of M1 in production."""
    kept = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "m1site.settings", **environment}
    return subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=False)


def test_good_production_settings_pass_django_s_own_check(tmp_path: Path) -> None:
    argv = "['manage.py', 'check', '--deploy', '--fail-level', 'WARNING']"
    told = run(f"from django.core.management import execute_from_command_line as run; run({argv})", **WEB)
    assert (told.returncode, told.stderr) == (0, ""), told.stderr
    assert told.stdout == "System check identified no issues (0 silenced).\n"


ASK = """
import django, sys; django.setup()
from django.test import Client
client = Client(raise_request_exception=False)
for path, headers in [("/", {}), ("/nowhere/", {}), ("/api/m1/runs", {}), ("/", {"host": "evil.example"})]:
    answer = client.get(path, secure=True, headers={"host": "m1.example.com", **headers})
    print(answer.status_code, sum(word in answer.text for word in ("Traceback", "settings", "File &quot;", "DATABASE")))
"""


def test_an_error_page_in_production_shows_no_trace(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'nothing.sqlite3'}"  # without a table: whatever asks it fails
    static = (
        "from django.conf import settings; settings.STORAGES = {**settings.STORAGES, 'staticfiles': "
        "{'BACKEND': 'django.contrib.staticfiles.storage.StaticFilesStorage'}};"
    )
    told = run(static + ASK, **{**WEB, "DATABASE_URL": database, "LOG_LEVEL": "ERROR"})
    assert [line.split()[1] for line in told.stdout.splitlines()] == ["0"] * 4, told.stdout + told.stderr
    assert told.stdout.split()[-2] == "400"


def test_the_environment_wins_over_the_file_and_a_mounted_secret_is_read(start: Start, tmp_path: Path) -> None:
    config, secret = tmp_path / "m1.env", tmp_path / "mac"
    config.write_text("M1_MODE=development\nM1_AUDIT_MAC_KEY_FILE=" + str(secret) + "\n")
    secret.write_text(LONG)
    assert start(M1_CONFIG=str(config)).stdout.startswith("development")
    assert start(M1_CONFIG=str(config), M1_MODE="demo").stdout.startswith("demo")
    secret.write_text("short")
    assert start(M1_CONFIG=str(config)).stderr.startswith("m1: M1_AUDIT_MAC_KEY")
