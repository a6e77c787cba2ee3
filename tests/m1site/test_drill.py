"""`m1 drill`: staged calls that look like real ones, judged fairly; nothing is executed and no server is asked."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agents import stats
from agents.planners.scenario_yaml import ScenarioError
from m1site.cli import call_values, group
from m1site.cli.call_text import show_call
from m1site.cli.sheet import Sheet
from m1site.drills import calls, reading, score
from m1site.drills.scenario import Case
from tests.m1site.conftest import Site

SCREEN = 21
DRILLS = reading.names()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a key, without a database and without a network."""
    monkeypatch.delenv("M1_API_KEY", raising=False)
    monkeypatch.setenv("M1_URL", "http://m1.example")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setattr(socket.socket, "connect", lambda *what: pytest.fail(f"connects to {what}"))


def drill(*argv: str, typed: str = "") -> Result:
    return CliRunner().invoke(group, ["drill", *argv], input=typed)


def keys(case: Case, *, is_yes: bool) -> str:
    """Return what a person types who reads what must be read."""
    if not is_yes:
        return "r\n3\n"
    sheet = Sheet(80)
    call_values.add(sheet, calls.call_of(case, []))
    screens = sum((len(part.rows) - 1) // SCREEN for part in sheet.parts)
    reading_ = "v\n" + "\n" * screens if sheet.parts else ""
    return reading_ + "a\n" + (f"{case.tool.name}\n" if case.tool.risk in ("high", "critical") else "")


# How somebody answers honest and deceptive calls; the exit code, and the results that there are then.
MANNERS = [
    ("careful", True, False, 0, {"right", "caught"}),
    ("hasty", True, True, 1, {"right", "missed"}),
    ("afraid", False, False, 0, {"false_alarm", "caught"}),
    ("upside down", False, True, 1, {"false_alarm", "missed"}),
]


@pytest.mark.parametrize("name", DRILLS)
@pytest.mark.parametrize(("manner", "honest", "tricks", "status", "results"), MANNERS)
def test_it_tells_how_a_person_did(
    alone: None, name: str, manner: str, honest: bool, tricks: bool, status: int, results: set[str]
) -> None:
    cases = reading.read(name).in_order(7)
    typed = "".join(keys(case, is_yes=tricks if case.trick else honest) for case in cases)
    result = drill(name, "--seed", "7", "--json", typed=typed)
    told = json.loads(result.stdout)
    assert result.exit_code == status, result.stderr[-2000:]
    assert {one["result"] for one in told["calls"]} == results
    deceptive = sum(case.trick is not None for case in cases)
    assert told["caught"] + told["missed"] == deceptive
    assert told["right"] + told["falseAlarms"] == len(cases) - deceptive
    assert [one["id"] for one in told["calls"]] == [case.id for case in cases]
    assert told["fast"] == told["right"] + told["missed"]  # nobody types that fast


def test_the_end_says_what_each_trick_was_and_where_it_could_be_seen(alone: None) -> None:
    cases = reading.read("flood").in_order(3)
    result = drill("flood", "--seed", "3", typed="".join(keys(case, is_yes=True) for case in cases))
    words = " ".join(re.sub(r"┆ ", "", line).strip() for line in result.stdout.splitlines())
    assert "0 caught, 4 missed" in words and "--seed 3" in words
    for trick in filter(None, (case.trick for case in cases)):
        assert f"MISSED: {trick.name}" in words
        assert f"What it was: {trick.what}" in words and f"Where it could be seen: {trick.seen}" in words


# What is typed before the end, the exit code, and how many were answered.
BROKEN_OFF = [("q\n", 0, 0), ("s\nq\n", 0, 1), ("r\n3\n", 1, 1), ("", 1, 0)]


@pytest.mark.parametrize(("typed", "status", "count"), BROKEN_OFF)
def test_what_was_answered_before_the_end_is_told(alone: None, typed: str, status: int, count: int) -> None:
    result = drill("first", "--seed", "1", "--json", typed=typed)
    assert (result.exit_code, len(json.loads(result.stdout)["calls"])) == (status, count)


def test_the_order_belongs_to_the_seed_and_late_tricks_come_late() -> None:
    found = reading.read("flood")
    orders = [[case.id for case in found.in_order(seed)] for seed in range(50)]
    assert orders[4] == [case.id for case in found.in_order(4)]
    assert len({tuple(order) for order in orders}) == 50
    for order in orders:
        assert all(order.index(case.id) >= case.not_before for case in found.cases)
        assert sorted(order) == sorted(case.id for case in found.cases)


@pytest.mark.parametrize("name", DRILLS)
def test_a_drill_has_enough_of_both_kinds_and_each_call_once(name: str) -> None:
    found = reading.read(name)
    tricks = sum(case.trick is not None for case in found.cases)
    assert tricks >= 4 and len(found.cases) - tricks >= 7
    assert len({case.id for case in found.cases}) == len(found.cases)


def warnings(case: Case) -> int:
    """Return how many warnings the terminal shows above a call of a drill."""
    with CliRunner().isolation():
        return show_call(calls.call_of(case, [])).warnings


def test_an_honest_call_raises_no_warning_but_for_its_direction() -> None:
    honest = [case for name in DRILLS for case in reading.read(name).cases if not case.trick]
    assert {case.id for case in honest if warnings(case)} == {"arabic-mail"}
    flagged = ("turned-recipient", "look-alike-domain", "note-behind-a-gap", "changed-tool")
    assert all(warnings(case) for case in reading.read("first").cases if case.id in flagged)


def test_a_staged_call_has_the_fields_of_a_real_one_and_no_others(site: Site) -> None:
    real = site.ava.get(f"tool-calls/{site.pending().pk}").json()
    staged = calls.call_of(reading.read("first").cases[0], [])
    assert staged.keys() <= real.keys()
    for key in ("promises", "around"):
        assert staged[key].keys() == real[key].keys(), key
    for key in ("requirements", "reasons"):
        assert staged[key][0].keys() == real[key][0].keys(), key
    assert score.FAST_SECONDS == stats.FAST_SECONDS


GOOD: dict[str, Any] = {
    "title": "Mine", "about": "Ours.", "tools": {"a.b": {"headline": "Do {x}", "risk": "low"}},
    "runs": {"one": {"agent": "a", "requester": "r", "environment": "e", "goal": "g"}},
    "calls": [{"id": "c", "tool": "a.b", "run": "one", "arguments": {"x": 1}, "reason": "r", "rule": "Rule."}],
}  # fmt: skip
CALL = GOOD["calls"][0]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"more": 1}, "'more' is not known"),
    ({"calls": []}, "calls must be"),
    ({"calls": [CALL | {"tool": "no.such"}]}, "tool must be one of a.b"),
    ({"calls": [CALL | {"run": "two"}]}, "run must be one of one"),
    ({"calls": [CALL | {"arguments": 1}]}, "arguments must be"),
    ({"calls": [CALL | {"needed": "2"}]}, "needed must be"),
    ({"calls": [CALL | {"needed": True}]}, "needed must be"),
    ({"calls": [CALL | {"was_rejected": 1}]}, "was_rejected must be"),
    ({"calls": [CALL | {"trick": {"name": "n", "what": "w"}}]}, "seen is missing"),
    ({"calls": [CALL | {"arguments": {"x": {"joined": "a"}}}]}, "joined must be"),
    ({"calls": [CALL | {"arguments": {"x": {"joined": [{"text": "a", "times": 2001}]}}}]}, "joined must be"),
    ({"calls": [CALL | {"arguments": {"x": {"joined": [{"text": "a" * 101, "times": 2000}]}}}]}, "more than"),
    ({"tools": {"a.b": {"headline": "Do", "risk": "none"}}}, "risk must be"),
    ({"runs": {"one": {"agent": "a"}}}, "requester is missing"),
]


@pytest.mark.parametrize(("changed", "problem"), BAD)
def test_a_file_that_is_no_drill_is_refused_with_its_line(
    alone: None, tmp_path: Path, changed: dict[str, Any], problem: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps(GOOD | changed))
    with pytest.raises(ScenarioError, match="line 1: "):
        reading.read(str(file))
    result = drill(str(file))
    assert result.exit_code == 2 and problem in result.output, result.output


def test_a_file_of_ones_own_is_played_and_what_is_none_is_bad_input(alone: None, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps(GOOD))
    result = drill(str(file), "--json", typed="a\n")
    assert (result.exit_code, json.loads(result.stdout)["right"]) == (0, 1)
    file.write_bytes(b"\xff\0")
    for name in ("no-such", str(tmp_path), str(file), "../first", ""):
        result = drill(name)
        assert result.exit_code == 2 and "first, flood" in result.output, result.output


def test_the_drills_are_listed(alone: None) -> None:
    assert [row["scenario"] for row in json.loads(drill("--list", "--json").stdout)] == DRILLS == ["first", "flood"]
    assert "The first ten minutes" in drill("--list").stdout
