"""`m1 check roles`: what each process holds and can do, by name only, and what it should not hold."""

import json

import pytest
from pytest_django import Settings

from m1site import holdings
from tests.agents.pages import text_of
from tests.m1site.desk import desk_of
from tests.m1site.telling import m1
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
SECRET = "a-value-that-is-said-nowhere"


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize(
    ("role", "names", "excess"),
    [
        ("planner", ["ANTHROPIC_API_KEY", "M1_JWT_KEYS", "DATABASE_URL", "M1_AUDIT_MAC_KEY", "M1_BROKER_URL"], []),
        ("web", ["SECRET_KEY", "M1_JWT_PRIVATE_KEY", "M1_OIDC_CLIENT_SECRET"], []),
        ("executor", ["M1_EMAIL_URL", "M1_EMAIL_FROM", "M1_FILES_ROOT", "M1_HTTP_HEADERS", "M1_JWT_KEYS"], []),
        ("housekeeping", ["M1_NOTIFY_URLS"], []),
        ("", ["SECRET_KEY", "ANTHROPIC_API_KEY", "M1_JWT_PRIVATE_KEY", "M1_API_KEY", "M1_EMAIL_URL"], []),
        ("planner", ["M1_EMAIL_FROM"], ["M1_EMAIL_FROM"]),  # only the tool's declaration says whose it is
        ("planner", ["M1_EMAIL_URL_FILE"], ["M1_EMAIL_URL"]),
        ("web", ["ANTHROPIC_API_KEY", "M1_HTTP_HOSTS"], ["ANTHROPIC_API_KEY", "M1_HTTP_HOSTS"]),
        ("executor", ["M1_JWT_PRIVATE_KEY_FILE", "SECRET_KEY"], ["M1_JWT_PRIVATE_KEY", "SECRET_KEY"]),
        ("executor", ["M1_API_KEY", "ANTHROPIC_AUTH_TOKEN"], ["ANTHROPIC_AUTH_TOKEN", "M1_API_KEY"]),
        ("housekeeping", ["M1_JWT_SECRET", "M1_JWT_KEYS"], ["M1_JWT_KEYS", "M1_JWT_SECRET"]),
        ("executor", ["SSL_CERT_FILE"], []),
        ("web", ["SSL_CERT_FILE", "PATH", "HOME"], []),
    ],
)
def test_what_a_process_should_not_hold(world: World, role: str, names: list[str], excess: list[str]) -> None:
    assert [one.name for one in holdings.excess(role, dict.fromkeys(names, SECRET))] == excess


def test_a_process_with_more_than_its_own_fails_the_check_and_no_value_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.M1_ROLE = "planner"
    for name in ("SECRET_KEY", "DATABASE_URL", "M1_JWT_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    assert m1("check", "roles").exit_code == 0
    monkeypatch.setenv("M1_EMAIL_FROM", SECRET)
    told = m1("check", "roles")
    assert told.exit_code == 1
    words = "warning: this process (planner) holds M1_EMAIL_FROM, which is for the executor's email.send"
    assert words in told.output
    found = json.loads(m1("check", "roles", "--json").output)
    assert (found["status"], found["thisProcess"]["role"]) == ("failed", "planner")
    assert {"ANTHROPIC_API_KEY", "M1_EMAIL_FROM"} <= set(found["thisProcess"]["holds"])
    assert SECRET not in told.output + json.dumps(found)


def test_the_table_says_who_does_what(world: World) -> None:
    rows = {row["process"]: row for row in json.loads(m1("check", "roles", "--json").output)["processes"]}
    assert {name: row["queue"] for name, row in rows.items()} == {
        "web": "", "planner": "planner", "executor": "executor", "housekeeping": "housekeeping", "beat": "",
        "notifications": "notifications", "operator": "",
    }  # fmt: skip
    assert [name for name, row in rows.items() if "sign approvals" in row["can"]] == ["web"]
    assert [name for name, row in rows.items() if "M1_JWT_PRIVATE_KEY" in row["holds"]] == ["web"]
    assert [name for name, row in rows.items() if "ANTHROPIC_API_KEY" in row["holds"]] == ["planner"]
    assert [name for name, row in rows.items() if "M1_EMAIL_URL" in row["holds"]] == ["executor"]
    told = m1("check", "roles")
    assert told.exit_code == 0 and "may hold" in told.output and "warning" not in told.output


def test_with_one_secret_for_both_check_and_admin_say_who_could_sign(world: World, settings: Settings) -> None:
    auditor = desk_of("otto", "auditor")
    assert "could sign" not in text_of(auditor.get("/admin/"))
    settings.M1_JWT_ALGORITHM = "HS256"
    told = m1("check", "roles")
    assert told.exit_code == 1
    assert "with HS256 planner and executor hold the secret that signs" in told.output
    page = text_of(auditor.get("/admin/"))
    assert "planner and executor hold the secret" in page and "could sign" in page


def test_everything_is_checked_whatever_one_check_says(world: World, settings: Settings) -> None:
    found = json.loads(m1("check", "all", "--json").output)
    assert {name: part["status"] for name, part in found.items() if name != "status"} == {
        "database": "ok", "broker": "disabled", "redis": "disabled", "roles": "ok", "notifications": "disabled",
    }  # fmt: skip
    assert (found["status"], m1("check", "all").exit_code) == ("ok", 0)
    settings.M1_BROKER_URL = "redis://127.0.0.1:1/0"
    told = m1("check", "all")
    assert told.exit_code == 1
    assert all(f"{name}: " in told.output for name in ("database", "broker", "redis", "roles", "notifications"))
