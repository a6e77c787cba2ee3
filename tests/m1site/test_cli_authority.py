"""The commands by which people edit, reopen, stand in, break the glass and halt; against a live server."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from agents.models import Block, Decision, DecisionReview, Delegation, Halt, ToolCall
from audit import canonical, clock
from m1site.accounts.models import User
from tests.agents import steps
from tests.factories import groups_named
from tests.m1site.conftest import M1, Site, told
from tests.world import person

REASON = "The shop is down and nobody is awake."
NOBODY = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no cell is folded."""
    monkeypatch.setenv("COLUMNS", "300")


EXIT_CODES = [
    (["edit", "{call}", "--comment", "x"], 2),
    (["edit", "{call}", "--set", "path", "--comment", "x"], 2),
    (["edit", "{call}", "--set", "path=b.txt", "--comment", "x"], 2),
    (["edit", "{call}", "--set", "path=NaN", "--comment", "x"], 2),
    (["edit", "{call}", "--set", 'path={"a":1,"a":2}', "--comment", "x"], 2),
    (["edit", "{call}", "--set", "path=7", "--comment", "x"], 2),
    (["edit", "{call}", "--set", 'path="b"', "--arguments", "x", "--comment", "x"], 2),
    (["edit", "{call}", "--arguments", "/no/such/file", "--comment", "x"], 2),
    (["edit", "{call}", "--set", 'path="b"', "--comment", " "], 2),
    (["edit", "{call}", "--set", 'path="b"'], 2),
    (["edit", "{call}", "--set", 'path="b"', "--comment", "x", "--digest", "0" * 64], 1),
    (["edit", "{call}", "--set", 'path="b"', "--comment", "\udcff"], 2),
    (["edit", NOBODY, "--set", 'path="b"', "--comment", "x"], 2),
    (["reopen", "{call}", "--reason", "x"], 1),
    (["reopen", NOBODY, "--reason", "x"], 2),
    (["break-glass", "{call}", "--yes"], 2),
    (["break-glass", "{call}", "--yes", "--reason", REASON], 1),
    (["review-glass", "{call}", "--note", "x"], 1),
    (["review-glass", "{call}"], 2),
    (["review-glass", "--note", "x"], 2),
    (["away", "give", "--to", "nobody", "--until", "2999-01-01", "--reason", "x"], 2),
    (["away", "give", "--to", "sam", "--until", "soon", "--reason", "x"], 2),
    (["away", "give", "--to", "sam", "--until", "0001-01-01", "--reason", "x"], 2),
    (["away", "end", NOBODY], 2),
    (["halt", "set", "--reason", "x"], 1),
    (["halt", "set"], 2),
    (["halt", "lift", NOBODY], 1),
]


def test_exit_codes(site: Site, m1: M1) -> None:
    call = site.pending()
    m1("pending", by=site.world.ava)
    for argv, status in EXIT_CODES:
        result = m1(*(str(call.pk) if word == "{call}" else word for word in argv))
        assert result.exit_code == status, (argv, result.output)
        assert "Traceback" not in result.output and isinstance(result.exception, SystemExit)
    assert not Decision.objects.exists() and ToolCall.objects.get().revision == 1


def test_an_edit_shows_before_and_after_side_by_side(site: Site, m1: M1, tmp_path: Path) -> None:
    call = site.pending(path="a.txt", content="old")
    result = m1("edit", str(call.pk), "--set", 'content="new \u202e"', "--comment", "Mind it.", by=site.world.ava)
    assert result.exit_code == 0, result.output
    line = next(line for line in result.output.splitlines() if line.startswith("content"))
    assert '"old"' in line and "new ⟦U+202E⟧" in line
    whole = tmp_path / "arguments.json"
    whole.write_text(json.dumps({"path": "c.txt", "content": "third"}))
    found = told(m1("edit", str(call.pk), "--arguments", str(whole), "--comment", "No.", "--json", by=site.world.sam))
    assert (found["round"], found["arguments"]["path"], len(found["edits"])) == (3, "c.txt", 2)


def test_review_offers_an_edit_and_reports_how_long_one_looked(site: Site, m1: M1) -> None:
    call = site.pending(path="a.txt", content="old")
    result = m1("review", by=site.world.ava, typed='e\ncontent=oops\ncontent="new"\nMind it.\n')
    assert result.exit_code == 0, result.output
    call.refresh_from_db()
    assert (call.round, call.revision) == (2, 2)
    assert m1("review", by=site.world.ava).output.strip() == "0 answered."
    result = m1("review", by=site.world.sam, typed="a\n")
    assert "Edited by ava" in result.output and '"old"' in result.output
    one = Decision.objects.get()
    assert one.open_seconds is not None and 0 <= one.open_seconds < 600
    assert canonical.parse(bytes(call.revisions.get(number=2).arguments)) == {"path": "a.txt", "content": "new"}


def test_breaking_the_glass_asks_for_the_name_and_never_skips_the_reason(
    site: Site, m1: M1, monkeypatch: pytest.MonkeyPatch
) -> None:
    gus, call = person("gus", "break-glass"), site.pending("files.delete", path="a.txt")
    argv = ["break-glass", str(call.pk), "--reason", REASON]
    refused = m1(*argv, by=gus)
    assert refused.exit_code == 2 and "--yes" in refused.output
    assert m1("break-glass", str(call.pk), "--yes", "--reason", "x").exit_code == 2
    monkeypatch.setattr("m1site.cli.break_glass.is_terminal", lambda: True)
    assert m1(*argv, typed="files.write\n").exit_code == 1
    assert not Decision.objects.exists()
    result = m1(*argv, typed="files.delete\n")
    assert result.exit_code == 0, result.output
    assert call.headline in result.output
    one = Decision.objects.get()
    assert (one.kind, one.comment, one.surface) == ("break_glass", REASON, "cli")
    assert one.open_seconds is not None


def test_broken_glass_is_listed_until_it_is_reviewed(site: Site, m1: M1) -> None:
    gus, call = person("gus", "break-glass"), site.pending()
    assert told(m1("break-glass", str(call.pk), "--reason", REASON, "--yes", "--json", by=gus))["needsReview"]
    assert m1("review-glass", str(call.pk), "--note", "Fine by me.").exit_code == 1
    listed = told(m1("review-glass", "--json", by=site.world.ava))
    assert [row["requestId"] for row in listed] == [str(call.pk)]
    assert m1("review-glass", str(call.pk), "--note", "It was down.").exit_code == 0
    assert DecisionReview.objects.get().note == "It was down."
    assert "Nothing waits" in m1("review-glass").output


def test_a_stand_in_is_given_listed_marked_and_ended(site: Site, m1: M1) -> None:
    beth = person("beth")
    until = (clock.now() + timedelta(days=3)).date().isoformat()
    given = told(
        m1("away", "give", "--to", "beth", "--until", until, "--reason", "Hills.", "--json", by=site.world.ava)
    )
    assert [row["id"] for row in told(m1("away", "list", "--json"))] == [given["id"]]
    call = site.pending()
    ToolCall.objects.filter(pk=call.pk).update(escalated_at=clock.now(), escalation_groups=["administrator"])
    listed = m1("pending", by=beth)
    assert "in the place of ava, escalated" in listed.output
    assert "mark" not in told(m1("pending", "--json"))[0]
    shown = m1("review", typed="s\n").output
    assert "in the place of ava, who is away" in shown and "Escalated to administrator" in shown
    assert m1("away", "end", given["id"]).exit_code == 0
    assert Delegation.objects.get().ended_by == beth
    assert "Nothing waits" in m1("pending").output
    assert told(m1("away", "list", "--json")) == []
    assert len(told(m1("away", "list", "--all", "--json"))) == 1


def test_review_flags_what_is_not_as_usual(site: Site, m1: M1) -> None:
    call = site.pending("files.delete", path="a.txt")
    ToolCall.objects.update(allow_self=True)
    User.objects.filter(username="riley").update(first_name="Ri\u202e")
    site.world.riley.groups.set(groups_named("approver"))
    steps.approve(call, site.world.riley)
    shown = m1("review", by=site.world.sam, typed="q\n").output
    assert "Ri⟦U+202E⟧ (riley): approve in round 1, it is their own request (self-approval)" in shown


def test_what_was_rejected_is_reopened(site: Site, m1: M1) -> None:
    call = steps.reject(site.pending(), site.world.sam)
    assert m1("reopen", str(call.pk), "--reason", "It was right.", by=site.world.riley).exit_code == 1
    assert m1("reopen", str(call.pk), "--reason", "It was right.", by=site.world.ava).exit_code == 0
    assert Block.objects.get().reopened_by == site.world.ava


def test_halts_are_set_listed_and_lifted(site: Site, m1: M1) -> None:
    omar = person("omar", "operator")
    halt = ("halt", "set", "--tool", "files.write", "--reason", "Look \u202e.", "--json")
    made = told(m1(*halt, by=omar))
    assert told(m1(*halt))["id"] == made["id"], "a repeat sets no second one"
    assert m1("halt", "set", "--agent", "nobody", "--reason", "x").exit_code == 2
    assert m1("halt", "set", "--agent", "demo", "--tool", "files.read", "--reason", "x").exit_code == 2
    listed = m1("halt", "list", by=site.world.riley)
    assert made["id"] in listed.output and "⟦U+202E⟧" in listed.output
    assert m1("halt", "lift", made["id"]).exit_code == 1
    for _ in range(2):
        assert told(m1("halt", "lift", made["id"], "--json", by=omar)) == {"id": made["id"]}
    assert Halt.objects.get().lifted_at is not None
    assert "Nothing is halted" in m1("halt", "list").output
    assert [row["id"] for row in told(m1("halt", "list", "--all", "--json"))] == [made["id"]]
