"""The `m1` command: people's commands against a live server, the operator's on the database."""

import stat
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from agents.models import AgentRun, Decision
from m1site.accounts import api_keys
from m1site.cli import OPERATOR, PERSON, config, group
from policy.models import ApprovalToken, ToolVersion
from tests.m1site.conftest import M1, Site, told
from tests.world import TOOLS


def test_login_keeps_a_key_that_works_where_only_its_owner_reads_it(site: Site, m1: M1, home: Path) -> None:
    _, plain = api_keys.create(site.world.ava, name="mine", scopes=["read"], days=1)
    result = m1("login", typed=f"{plain}\n")
    assert result.exit_code == 0, result.output
    assert plain not in result.output
    assert stat.S_IMODE(config.file().stat().st_mode) == 0o600
    assert m1("pending").exit_code == 0


def test_a_key_that_does_not_work_is_not_kept(m1: M1) -> None:
    assert m1("login", typed="m1_wrong\n").exit_code == 1
    assert not config.file().exists()


def test_a_kept_key_goes_to_its_own_address_only(m1: M1, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    config.save(config.Login("https://m1.example", "m1_key"))
    monkeypatch.setenv("M1_URL", "https://evil.example")
    with pytest.raises(click.UsageError):
        config.load()
    monkeypatch.delenv("M1_URL")
    assert config.load().url == "https://m1.example"


def test_without_a_key_it_says_what_to_do(m1: M1) -> None:
    result = m1("pending")
    assert result.exit_code == 2
    assert "m1 login" in result.output


def test_a_run_is_started_by_the_person_whose_key_it_is(site: Site, m1: M1) -> None:
    found = told(m1("run", "Tidy up", "--agent", "demo", "--json", by=site.world.riley))
    run = AgentRun.objects.get()
    assert (found["id"], run.requester.username) == (str(run.pk), "riley")


def test_following_a_run_that_was_cancelled_ends_with_1(site: Site, m1: M1, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel(seconds: float) -> None:
        AgentRun.objects.update(status="cancelled", end_reason="cancelled", ended_at="2026-01-01T00:00:00Z")

    monkeypatch.setattr("m1site.cli.runs.time.sleep", cancel)
    result = m1("run", "Tidy up", "--agent", "demo", "--follow", by=site.world.riley)
    assert result.exit_code == 1, result.output


def test_pending_approve_and_reject(site: Site, m1: M1) -> None:
    first, second = site.pending(), site.pending()
    listed = told(m1("pending", "--json", by=site.world.ava))
    assert {row["requestId"] for row in listed} == {str(first.pk), str(second.pk)}
    assert m1("approve", str(first.pk)).exit_code == 0
    assert m1("reject", str(second.pk), "--comment", "No need.").exit_code == 0
    assert [(one.answer, one.surface) for one in Decision.objects.order_by("created_at")] == [
        ("approve", "cli"), ("reject", "cli"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["approve", "no-uuid"], 2),
        (["approve", "00000000-0000-0000-0000-000000000001"], 2),
        (["reject", "00000000-0000-0000-0000-000000000001"], 2),
        (["run", "x", "--agent", "nobody"], 2),
        (["run", "x", "--agent", "demo", "--budget", "lots"], 2),
        (["settle", "00000000-0000-0000-0000-000000000001", "lost", "--note", "x"], 2),
        (["preauthorize", "--agent", "demo"], 2),
        (["policy", "check", "files.list", "{", "--agent", "demo"], 2),
        (["policy", "check", "files.list", "[]", "--agent", "demo"], 2),
        (["policy", "check", "no.such", "--agent", "demo"], 1),
        (["policy", "check", "files.list", "--agent", "demo"], 0),
        (["token", "revoke", "00000000-0000-0000-0000-000000000001", "--reason", "x"], 2),
        (["nonsense"], 2),
    ],
)
def test_exit_codes(site: Site, m1: M1, argv: list[str], status: int) -> None:
    result = m1(*argv, by=site.world.riley)
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output


def test_a_refusal_is_1_and_says_why(site: Site, m1: M1) -> None:
    call = site.pending()
    result = m1("approve", str(call.pk), by=site.world.riley)
    assert result.exit_code == 1
    assert "own request" in result.output or "approver" in result.output
    stale = m1("approve", str(call.pk), "--digest", "0" * 64, by=site.world.ava)
    assert stale.exit_code == 1


def test_a_server_that_is_away_is_1(m1: M1, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("M1_URL", "http://127.0.0.1:9")
    result = m1("pending", by=site.world.ava)
    assert result.exit_code == 1
    assert "cannot be reached" in result.output


def test_review_shows_the_facts_and_records_what_is_typed(site: Site, m1: M1) -> None:
    call = site.pending(path="a.txt", content="pay \u202eEVIL\x1b[2J")
    result = m1("review", by=site.world.ava, typed="a\nfiles.write\n")
    assert result.exit_code == 0, result.output
    for fact in (call.headline, call.arguments_digest, "Tidy up", "riley", "untrusted", "⟦U+202E⟧", "⟦U+001B⟧"):
        assert fact in result.output
    assert "\x1b" not in result.output and "\u202e" not in result.output
    assert Decision.objects.get().digest_seen == call.arguments_digest


def test_review_asks_for_the_name_of_a_dangerous_tool(site: Site, m1: M1) -> None:
    call = site.pending("files.delete", path="a.txt")
    assert call.risk in ("high", "critical")
    m1("review", by=site.world.ava, typed="a\nfiles.write\n")
    assert not Decision.objects.exists()
    m1("review", by=site.world.ava, typed="a\nfiles.delete\n")
    assert Decision.objects.count() == 1


def test_review_rejects_skips_and_quits(site: Site, m1: M1) -> None:
    for _ in range(3):
        site.pending()
    m1("review", by=site.world.ava, typed="s\nr\nWrong file.\nq\n")
    assert [one.comment for one in Decision.objects.all()] == ["Wrong file."]


def test_pre_authorisations_are_given_listed_and_revoked(site: Site, m1: M1) -> None:
    given = told(m1(
        "preauthorize", "--agent", "demo", "--requester", "riley", "--tool", "files.read", "--max-uses", "2",
        "--minutes", "5", "--json", by=site.world.ava,
    ))  # fmt: skip
    listed = told(m1("token", "list", "--json"))
    assert [row["jti"] for row in listed] == [given["jti"]]
    assert m1("token", "revoke", given["jti"], "--reason", "over").exit_code == 0
    assert ApprovalToken.objects.get().revoked_at is not None


def test_the_operator_lists_syncs_and_enables_tools(site: Site, m1: M1, settings: Any) -> None:
    settings.M1_TOOLS = TOOLS
    listed = told(m1("tools", "list", "--json"))
    assert {row["state"] for row in listed} == {"enabled"}
    assert told(m1("tools", "sync", "--json")) == []
    assert m1("tools", "enable", "files.read").exit_code == 0
    assert m1("tools", "enable", "no.such").exit_code == 2
    assert ToolVersion.objects.filter(state="enabled").count() == len(listed)


def test_checks(site: Site, m1: M1) -> None:
    assert told(m1("check", "database", "--json"))["status"] == "ok"
    assert told(m1("check", "redis", "--json"))["status"] == "disabled"
    assert told(m1("check", "roles", "--json"))["algorithm"] == "EdDSA"


@pytest.mark.parametrize("name", [*PERSON, *OPERATOR])
def test_every_command_has_help(name: str) -> None:
    assert CliRunner().invoke(group, [name, "--help"]).exit_code == 0
