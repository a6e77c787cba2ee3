"""`m1 policy`: from a file to a version in force by two people's terminals, with exit codes that scripts rely on."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import Permission

from m1site.accounts.models import User
from m1site.cli import group
from policy import documents, drafts
from policy.models import PolicyVersion
from tests.factories import make_tool_call
from tests.m1site.conftest import M1, Site, told
from tests.world import POLICY as DEMO

ASK = "review: {requirements: [{count: 1, groups: [approver]}]}"
EIGHT = "# Mind the archive.\n" + DEMO.replace("seven years, so", "eight years, so")
WARNED = EIGHT.replace("rules:\n", f"rules:\n  - {{name: payments, match: {{tools: [pay.send]}}, {ASK}}}\n", 1)
FAILING = EIGHT.replace("expect: {outcome: denied}", "expect: {outcome: needs_approval}", 1)


@pytest.fixture
def sam(site: Site) -> User:
    """Who writes."""
    site.world.sam.user_permissions.add(Permission.objects.get(codename="change_rule"))
    return site.world.sam


@pytest.fixture
def ava(site: Site) -> User:
    """Who publishes."""
    site.world.ava.user_permissions.add(Permission.objects.get(codename="add_policyversion"))
    return site.world.ava


def write(home: Path, text: str | bytes) -> str:
    file = home / "policy.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def test_a_file_goes_into_force_by_two_people(m1: M1, home: Path, sam: User, ava: User) -> None:
    file = str(home / "exported.yaml")
    assert m1("policy", "export", "-o", file, by=sam).exit_code == 0
    assert Path(file).read_text() == DEMO
    assert m1("policy", "test", write(home, EIGHT)).exit_code == 0
    applied = m1("policy", "apply", write(home, EIGHT))
    assert applied.exit_code == 0 and "revision 2" in applied.output
    assert m1("policy", "export", "--draft").output == EIGHT
    assert m1("policy", "publish").exit_code == 1  # nobody publishes without the permission
    found = told(m1("policy", "publish", "--note", "Longer.", "--revision", "2", "--json", by=ava))
    version = PolicyVersion.objects.get(number=found["number"])
    assert (version.author, version.publisher, version.note, version.document) == (sam, ava, "Longer.", EIGHT)
    assert m1("policy", "export").output == m1("policy", "export", "--version", "2").output == EIGHT
    assert m1("policy", "export", "--version", "1").output == DEMO


def test_what_stops_a_policy_is_listed_and_ends_with_1(m1: M1, home: Path, sam: User, ava: User) -> None:
    warned = m1("policy", "test", write(home, WARNED), by=sam)
    assert warned.exit_code == 1 and "warning: rule payments: there is no tool pay.send" in warned.output
    failing = m1("policy", "test", write(home, FAILING))
    assert failing.exit_code == 1 and "failed: test a way round through another folder" in failing.output
    assert m1("policy", "apply", write(home, WARNED)).exit_code == 0
    told_ = m1("policy", "test", "draft", "--json")
    assert told_.exit_code == 1 and [one["where"] for one in json.loads(told_.stdout)["findings"]] == ["rule payments"]
    refused = m1("policy", "publish", by=ava)
    assert refused.exit_code == 1
    assert "warning: rule payments" in refused.output and "--override REASON" in refused.output
    assert m1("policy", "publish", "--override", "It comes tomorrow.").exit_code == 0
    assert PolicyVersion.objects.get(number=2).overridden[0]["reason"] == "It comes tomorrow."


def test_a_refusal_that_no_reason_lifts_does_not_offer_one(m1: M1, home: Path, sam: User, ava: User) -> None:
    drafts.apply(FAILING, editor=sam)
    refused = m1("policy", "publish", "--override", "It is urgent.", by=ava)
    assert refused.exit_code == 1 and "failed: test" in refused.output and "--override" not in refused.output


def test_every_problem_of_a_file_is_told_with_its_line(m1: M1, home: Path, sam: User) -> None:
    text = "format: 1\nrules:\n  - {name: A}\n  - {name: b}\n"
    for command in ("apply", "test"):
        refused = m1("policy", command, write(home, text), by=sam)
        assert refused.exit_code == 2, refused.output
        assert "line 3, rules[0]" in refused.output and "line 4, rules[1]" in refused.output
        assert refused.output.count("rules[0]") == 1


def test_what_differs_is_shown_in_words_and_lines(m1: M1, sam: User, ava: User, monkeypatch: Any) -> None:
    drafts.apply(EIGHT.replace("count: 2", "count: 3"), editor=sam)
    plain = m1("policy", "diff", by=sam).output
    assert "From 1 to draft, pieces that differ: " in plain and "changed rule delete-files" in plain
    assert "was  When a call of files.delete is proposed: 2 members" in plain and "is   When" in plain
    assert "\n  -  - count: 2\n" in plain and "\n  +  - count: 3\n" in plain and "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m" in m1("policy", "diff").output
    assert told(m1("policy", "diff", "1", "draft", "--json"))["differences"]
    assert "nothing differs" in m1("policy", "diff", "1", "1").output


def test_a_replay_lists_who_would_flip(m1: M1, home: Path, site: Site, sam: User) -> None:
    call, hidden = site.pending(), make_tool_call(groups=("finance",))
    stricter = DEMO.replace("{count: 1, groups: [approver]}", "{count: 2, groups: [finance]}").partition("\ntests:")[0]
    shown = m1("policy", "replay", write(home, stricter), by=sam)
    assert shown.exit_code == 0, shown.output
    assert "Of 2 calls in 30 days 2 would flip." in shown.output and "You may not see 1 of those." in shown.output
    assert str(call.pk) in shown.output and str(hidden.pk) not in shown.output
    found = told(m1("policy", "replay", "--since", "2w", "--json"))
    assert (found["judged"], found["unchanged"], found["hidden"], found["flips"]) == (2, 1, 1, [])


def test_the_schema_is_printed(m1: M1, site: Site) -> None:
    assert told(m1("policy", "schema", by=site.world.riley)) == documents.schema()


def test_a_policy_comes_by_standard_input(m1: M1, sam: User) -> None:
    assert m1("policy", "apply", "-", by=sam, typed=EIGHT).exit_code == 0
    assert drafts.text() == EIGHT


def test_exit_codes(m1: M1, home: Path, sam: User) -> None:
    files = {"bytes": b"\xff", "empty": b"", "good": EIGHT.encode()}
    for name, data in files.items():
        (home / name).write_bytes(data)
    table = [
        (["test", "no-such.yaml"], 2), (["test", "/"], 2), (["test", "a\0b"], 2), (["apply"], 2),
        (["apply", str(home / "bytes")], 2), (["apply", str(home / "empty")], 2),
        (["apply", str(home / "good"), "--revision", "-1"], 2), (["apply", str(home / "good"), "--revision", "7"], 1),
        (["export", "--version", "7"], 2), (["export", "--version", "1", "--draft"], 2),
        (["export", "-o", "/no/such/place"], 2), (["diff", "7"], 2), (["diff", "x"], 2), (["publish"], 1),
        (["publish", "file.yaml"], 2), (["replay", "--since", "30"], 2), (["replay", "--since", "0d"], 2),
        (["nonsense"], 2),
    ]  # fmt: skip
    for argv, code in table:
        result = m1("policy", *argv, by=sam)
        assert result.exit_code == code, (argv, result.output)
        assert "Traceback" not in result.output
    assert drafts.text() == DEMO and PolicyVersion.objects.count() == 1


@pytest.mark.parametrize("name", ["check", "export", "test", "apply", "diff", "replay", "publish", "schema"])
def test_every_command_has_help(name: str) -> None:
    assert CliRunner().invoke(group, ["policy", name, "--help"]).exit_code == 0
