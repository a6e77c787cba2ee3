"""`m1 bench inbox`: what is printed was measured, and a missed mark is told; its rows are as M1 writes them."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agents.approval import audience, waiting
from agents.models import RequirementGroup, RunGroup, ToolCall
from m1site.bench import inbox, inbox_rows
from m1site.cli import bench

pytestmark = pytest.mark.django_db


def run(monkeypatch: pytest.MonkeyPatch, milliseconds: float, *arguments: str) -> tuple[Result, list[tuple[str, ...]]]:
    asked: list[tuple[str, ...]] = []

    def child(*words: str) -> dict[str, Any]:
        asked.append(words)
        slow = {"p50": milliseconds, "p95": 900.0, "cpu_p50": 8.0}
        return {"ava.inbox": slow, "ava.runs": {"p50": 9.0, "p95": 10.0, "cpu_p50": 8.0}}

    monkeypatch.setattr(inbox, "child", child)
    return CliRunner().invoke(bench.bench, ["inbox", *arguments]), asked


def test_every_figure_is_a_line_and_the_mark_is_for_the_median(monkeypatch: pytest.MonkeyPatch) -> None:
    result, asked = run(monkeypatch, 49.0, "--json", "--calls", "500", "--rounds", "3")
    lines = {line["figure"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert result.exit_code == 0
    assert asked == [("inbox_pages", "alike", "500", "3"), ("inbox_pages", "different", "500", "3")]
    assert (
        lines["alike.500.ava.inbox.p50"] | {"value": 49.0, "unit": "ms", "mark": 50.0, "ok": True}
        == lines["alike.500.ava.inbox.p50"]
    )
    assert lines["different.500.ava.inbox.p95"]["ok"] is None


def test_a_missed_mark_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    result, asked = run(monkeypatch, 51.0, "--kind", "alike")
    assert (result.exit_code, len(asked)) == (1, 1)
    assert "MISSED" in result.stdout


@pytest.mark.parametrize("words", [["--calls", "9"], ["--kind", "some"], ["--rounds", "0"]])
def test_what_cannot_be_measured_is_told(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    result, asked = run(monkeypatch, 1.0, *words)
    assert (result.exit_code, asked) == (2, [])


@pytest.mark.parametrize("are_alike", [True, False])
def test_its_rows_are_as_m1_writes_them(are_alike: bool) -> None:
    people = inbox_rows.make(200, are_alike=are_alike)
    pending = ToolCall.objects.filter(status="pending").select_related("run")
    assert pending.count() == 200
    assert pending.values("like_key").distinct().count() == (1 if are_alike else 200)
    for call in pending[:3]:
        assert call.asked_key == audience.digest(["approver"])
        assert call.like_key == audience.like_key(call)
    assert RunGroup.objects.count() == RequirementGroup.objects.values("requirement__call__run").distinct().count()
    assert waiting.for_person(people.ava).count() == 200
    assert not waiting.for_person(people.eve).exists()
    assert waiting.desk(people.omar).others.count() == 200
    assert waiting.desk(people.riley).others.count() == 200
