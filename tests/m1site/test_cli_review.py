"""`m1 review` and `m1 approve` against a live server: the facts of the approval page, and what is recorded."""

import json

import pytest

from agents.approval import editing
from agents.models import Decision
from audit import canonical
from m1site.cli import typed
from tests.agents import steps
from tests.factories import make_tool_call
from tests.m1site.conftest import M1, Site, told
from tests.world import say

LONG = "x = 1\n" * 300 + "rm -rf /\n"


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def test_the_terminal_shows_the_facts_of_the_page(site: Site, m1: M1) -> None:
    steps.reject(site.pending(path="b.txt", content="twin"), site.world.ava)
    writes = (
        ("files.write", {"path": "a.txt", "content": "new"}),
        ("files.write", {"path": "b.txt", "content": "twin"}),
    )
    first, call = steps.propose(site.run(), *writes)
    steps.reject(first, site.world.ava)
    shown = m1("review", by=site.world.sam, typed="s\n").output
    for fact in (
        call.headline, "MEDIUM RISK · IRREVERSIBLE", "0 of 1 approvals · expires in", "pinned, enabled", "UTC)",
        call.arguments_digest, "digested again here: it is the same", "content: text, 4 bytes", "│ twin",
        "No tool undoes it.", "Rule write-files asks for review", "policy       version 1", "for          riley",
        "robot in test, external planner, turn 1", "$0.00 of $5.00", "│ Tidy up", "agent's text, untrusted:",
        "│ I need this.", "│ It is due.", "was rejected before", "1 of approver", "Nobody has answered yet.",
        "The last calls of files.write in other runs", "rejected   Write b.txt", "ava: reject: Not today.",
        f"/approvals/{call.pk}/",
        "Earlier calls of this run", f"rejected   {first.headline}", "1 warning above", "0 answered.",
    ):  # fmt: skip
        assert fact in shown, fact


def test_rest_tells_what_the_tool_promises_and_no_call_of_others(site: Site) -> None:
    call = site.pending()
    make_tool_call("rejected", version=call.tool_version, groups=("legal",), headline=call.headline)
    assert site.ava.get(f"tool-calls/{call.pk}").json()["around"]["similar"] == []
    steps.reject(site.pending(), site.world.sam, comment="Too early.")
    told_ava = site.ava.get(f"tool-calls/{call.pk}").json()
    (similar,) = told_ava["around"]["similar"]
    assert (similar["status"], similar["answers"]) == (
        "rejected", [{"person": "sam", "answer": "reject", "comment": "Too early."}],
    )  # fmt: skip
    assert told_ava["around"]["rejectedBefore"]["requestId"] == similar["requestId"]
    assert told_ava["promises"] == {
        "state": "enabled", "isReadOnly": False, "reversibleWith": None, "isExternal": False, "sensitiveArguments": [],
    }  # fmt: skip


def test_after_the_last_screen_the_yes_counts_and_what_was_read_is_reported(site: Site, m1: M1) -> None:
    call = site.pending(path="a.txt", content=LONG)
    assert m1("review", by=site.world.ava, typed="a\n" + "\n" * 20).exit_code == 1
    assert not Decision.objects.exists()
    result = m1("review", by=site.world.ava, typed="v\n" + "\n" * (302 // 21) + "a\n")
    assert result.exit_code == 0, result.output
    assert "That was all of content, 302 lines." in result.output
    assert f"approved   {call.headline}" in result.output  # what became of it
    one = Decision.objects.get(call=call)
    assert (one.answer, one.surface, one.expanded) == ("approve", "cli", ["arguments"])


def test_rejecting_may_stop_the_run_and_the_riskiest_comes_first(site: Site, m1: M1) -> None:
    write, delete = site.pending(), site.pending("files.delete", path="a.txt")
    m1("review", by=site.world.ava, typed="x\n4\nr\nNot now.\n")
    assert [(one.call_id, one.comment) for one in Decision.objects.order_by("created_at")] == [
        (delete.pk, "Wrong environment"), (write.pk, "Not now."),
    ]  # fmt: skip
    assert (say(site.world, delete).run.status, say(site.world, write).run.status) == ("cancelled", "waiting")


def test_a_call_that_changed_meanwhile_is_shown_anew(site: Site, m1: M1, monkeypatch: pytest.MonkeyPatch) -> None:
    call, plain = site.pending(path="a.txt", content="old"), typed.key
    arguments = canonical.encode({"path": "a.txt", "content": "new"})

    def key(question: str, keys: list[str]) -> str:
        if say(site.world, call).round == 1:
            sam = steps.fresh(site.world.sam)
            editing.edit(call.pk, actor=sam, seen=steps.shown(call), arguments=arguments, comment="So.")
        return plain(question, keys)

    monkeypatch.setattr(typed, "key", key)
    result = m1("review", by=site.world.ava, typed="a\na\n")
    assert "Nothing was recorded" in result.output and "Edited by sam" in result.output and '"new"' in result.output
    assert Decision.objects.get().digest_seen == say(site.world, call).arguments_digest != call.arguments_digest


def test_what_does_not_have_its_digest_is_flagged_and_not_approved(
    site: Site, m1: M1, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pending(path="a.txt", content="old")
    monkeypatch.setattr("agents.api.shown.arguments", lambda call: {"path": "a.txt", "content": "other"})
    result = m1("review", by=site.world.ava, typed="a\nq\n")
    assert "do not have this digest" in result.output and "Not approved" in result.output
    assert not Decision.objects.exists()


# What is said to `m1 approve` about a dangerous call, whether at a terminal, what is typed there, and the exit code.
CONFIRMED = [
    ([], False, "", 2),
    (["--confirm", "files.write"], False, "", 2),
    (["--confirm", ""], False, "", 2),
    (["--confirm", "files.write"], True, "files.delete\n", 2),
    ([], True, "files.write\n", 1),
    ([], True, "", 1),
    (["--confirm", "files.delete"], False, "", 0),
    ([], True, "files.delete\n", 0),
]


def test_approving_a_dangerous_call_takes_its_name(site: Site, m1: M1, monkeypatch: pytest.MonkeyPatch) -> None:
    m1("pending", by=site.world.ava)
    for argv, is_terminal, keys, status in CONFIRMED:
        call = site.pending("files.delete", path="a.txt")
        monkeypatch.setattr(typed, "is_terminal", lambda there=is_terminal: there)
        result = m1("approve", str(call.pk), *argv, "--json", typed=keys)
        assert result.exit_code == status, (argv, keys, result.output)
        assert Decision.objects.filter(call=call).count() == (status == 0)
        if status == 0:
            assert json.loads(result.stdout)["requestId"] == str(call.pk)


def test_a_name_that_is_given_must_be_the_tools_whatever_the_risk(site: Site, m1: M1) -> None:
    call = site.pending()
    assert m1("approve", str(call.pk), "--confirm", "files.delete", by=site.world.ava).exit_code == 2
    assert told(m1("approve", str(call.pk), "--json"))["status"] == "approved"
