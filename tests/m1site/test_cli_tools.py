"""`m1 tools`: what is new, what differs, and a person's yes before two versions are enabled side by side."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from pytest_django import Settings

from agents.models import ToolCall
from audit.models import AuditEvent
from m1site.cli import group, tools
from policy import allowlist, registry
from policy.models import ToolVersion
from tests.agents import steps
from tests.agents.test_tool_versions import newer
from tests.world import TOOLS, World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(tmp_path: Path, settings: Settings) -> World:
    settings.M1_TOOLS = TOOLS
    return make_world(tmp_path)


def m1(*argv: str, typed: str = "") -> Result:
    return CliRunner().invoke(group, ["tools", *argv], input=typed)


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def states(name: str) -> list[str]:
    """Return the states of a tool's versions, oldest first."""
    return list(ToolVersion.objects.filter(tool__name=name).order_by("created_at").values_list("state", flat=True))


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "is_terminal", lambda: True)


def test_sync_says_what_is_new_changed_and_gone(world: World) -> None:
    assert told(m1("sync", "--json")) == []
    assert "Nothing is new." in m1("sync").output
    code = dict(registry.load(TOOLS))
    read = code.pop("files.read")
    code["files.write"] = replace(code["files.write"], digest="1" * 64)
    code["files.look"] = replace(read, name="files.look", digest="2" * 64)
    with mock.patch("policy.registry.load", lambda modules: code):
        rows = told(m1("sync", "--json"))
        assert sorted((row["tool"], row["news"], row["state"]) for row in rows) == [
            ("files.look", "new", "disabled"), ("files.read", "gone", "enabled"),
            ("files.write", "changed", "disabled"), ("files.write", "gone", "enabled"),
        ]  # fmt: skip
        assert [row["news"] for row in told(m1("sync", "--json"))] == ["gone", "gone"]
        assert "If no executor does, disable it" in m1("sync").output


def test_diff_shows_what_differs_from_the_version_that_is_enabled(world: World) -> None:
    before, after = allowlist.newest("files.read"), newer("files.read", state="disabled", risk="high", headline="See")
    found = told(m1("diff", "files.read", "--json"))
    assert (found["before"], found["after"]) == (before.digest, after.digest)
    assert {(one["field"], one["before"], one["after"]) for one in found["changes"]} == {
        ("risk", "low", "high"), ("headline", "Read {path}", "See"),
    }  # fmt: skip
    shown = m1("diff", "files.read").output
    assert "risk" in shown and before.digest[:12] in shown and "(disabled)" in shown
    assert told(m1("diff", "files.read", "--version", before.digest[:8], "--json"))["before"] is None
    assert "source file files.py" in m1("diff", "files.write").output


def test_where_no_other_version_is_enabled_nothing_is_asked(world: World) -> None:
    told(m1("disable", "files.read", "--json"))
    assert told(m1("enable", "files.read", "--json"))[0]["state"] == "enabled"
    assert told(m1("enable", "files.read", "files.list", "--json"))[1]["tool"] == "files.list"  # enabled already
    assert states("files.read") == ["enabled"]


@pytest.mark.parametrize("argv", [(), ("--json",)])
def test_without_a_terminal_a_second_version_needs_a_yes(world: World, argv: tuple[str, ...]) -> None:
    newer("files.read", state="disabled", risk="high")
    result = m1("enable", "files.read", *argv, typed="y\n")
    assert result.exit_code == 2
    assert "m1 tools diff files.read" in result.stderr and "--yes" in result.stderr
    assert states("files.read") == ["enabled", "disabled"]
    assert m1("enable", "files.list", "files.read", "--yes", *argv).exit_code == 0
    assert states("files.read") == ["enabled", "enabled"]


@pytest.mark.parametrize(
    ("typed", "status", "state"), [("y\n", 0, "enabled"), ("n\n", 1, "disabled"), ("", 1, "disabled")]
)
def test_on_a_terminal_the_difference_is_shown_and_a_person_is_asked(
    world: World, on_a_terminal: None, typed: str, status: int, state: str
) -> None:
    newer("files.read", state="disabled", risk="high")
    result = m1("enable", "files.read", typed=typed)
    assert result.exit_code == status, result.output
    assert result.output.index("risk") < result.output.index("beside it?")
    assert states("files.read") == ["enabled", state]


def test_disabling_denies_the_calls_that_are_bound_to_it(world: World) -> None:
    call, kept = steps.ask(world), steps.ask(world, "files.delete", {"path": "a.txt"})
    (row,) = told(m1("disable", "files.write", "--json"))
    assert (row["state"], row["deniedCalls"]) == ("disabled", 1)
    assert dict(ToolCall.objects.values_list("pk", "status")) == {call.pk: "denied", kept.pk: "pending"}
    assert AuditEvent.objects.get(action="tool_call.denied").actor == "system:cli"
    assert "Nothing was enabled." in m1("disable", "files.write").output


def test_one_version_is_disabled_by_its_digest(world: World) -> None:
    own, other = allowlist.newest("files.read"), newer("files.read")
    told(m1("disable", "files.read", "--version", own.digest[:10], "--json"))
    assert states("files.read") == ["disabled", "enabled"]
    told(m1("enable", "files.read", "--version", own.digest, "--yes", "--json"))
    assert m1("disable", "files.read").exit_code == 0
    assert states("files.read") == ["disabled", "disabled"]
    assert other.digest != own.digest


BAD = [
    "enable no.such", "disable no.such", "diff no.such", "enable", "disable", "enable files.read --version zz",
    "disable files.read --version %", "enable files.read files.list --version a", "enable files.read\u200b",
    "enable fіles.read", "diff FILES.READ", "sync files.read",
]  # fmt: skip


def test_bad_input_is_2_in_one_sentence_and_changes_nothing(world: World) -> None:
    before = list(ToolVersion.objects.order_by("pk").values()), AuditEvent.objects.count()
    for argv in BAD:
        result = m1(*argv.split(" "))
        assert result.exit_code == 2, (argv, result.output)
        assert "Traceback" not in result.output and result.output.strip()
    assert (list(ToolVersion.objects.order_by("pk").values()), AuditEvent.objects.count()) == before


def test_a_digest_that_begins_two_versions_names_neither(world: World) -> None:
    own = allowlist.newest("files.read")
    ToolVersion.objects.create(
        tool=own.tool, digest=own.digest[:20] + "0" * 44, declaration=own.declaration, created_at=own.created_at
    )
    result = m1("disable", "files.read", "--version", own.digest[:12])
    assert result.exit_code == 2
    assert "give more of it" in result.output


def test_what_a_declaration_says_cannot_move_the_cursor(world: World) -> None:
    newer("files.read", state="disabled", description="safe\x1b[2J\u202eevil")
    shown = m1("diff", "files.read").output
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "⟦U+202E⟧" in shown


def test_looking_changes_nothing(world: World) -> None:
    before = AuditEvent.objects.count()
    for argv in (["list"], ["list", "--json"], ["diff", "files.read"], ["sync", "--help"], ["--help"]):
        assert m1(*argv).exit_code == 0
    assert AuditEvent.objects.count() == before
