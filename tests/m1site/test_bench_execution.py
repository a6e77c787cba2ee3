"""`m1 bench execution`: what is printed was measured, marks are judged, and its calls are real ones."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result
from django.db import connection

from agents.models import ToolCall
from m1site.bench import execution, execution_steps, own_database
from m1site.bench.execution_desk import TOOLS, Desk
from m1site.cli import bench

RUN = {"approve_to_start.p50": 40.0, "approve_to_start.p99": 90.0, "calls_per_second": 100.0, "over_bare": 0.3}
RUN |= {"steps.claim.queries": 20.0}
SWEEPS = {"0.sweep_lost": 1.0, "10000.sweep_lost": 2.0}


def run(monkeypatch: pytest.MonkeyPatch, found: dict[str, float], *words: str) -> tuple[Result, list[tuple[str, ...]]]:
    asked: list[tuple[str, ...]] = []

    def child(*words: str) -> dict[str, Any]:
        asked.append(words)
        return found if words[0] == "execution_run" else SWEEPS

    monkeypatch.setattr(execution, "child", child)
    return CliRunner().invoke(bench.bench, ["execution", *words]), asked


def test_every_figure_is_a_line_with_its_unit_and_its_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    result, asked = run(monkeypatch, RUN, "--json", "--probes", "30", "--calls", "200", "--pending", "300")
    lines = {line["figure"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert (result.exit_code, asked) == (0, [("execution_run", "30", "200"), ("execution_sweeps", "300")])
    marks = {name: (line["unit"], line["mark"], line["ok"]) for name, line in lines.items()}
    assert marks == {
        "approve_to_start.p50": ("ms", 50.0, True),
        "approve_to_start.p99": ("ms", 250.0, True),
        "calls_per_second": ("calls/s", None, None),
        "over_bare": ("×", 0.25, True),
        "steps.claim.queries": ("queries", None, None),
        "sweeps.0.sweep_lost": ("ms", 50.0, True),
        "sweeps.10000.sweep_lost": ("ms", 50.0, True),
    }


@pytest.mark.parametrize(
    "missed", [{"approve_to_start.p50": 50.1}, {"approve_to_start.p99": 251.0}, {"over_bare": 0.24}]
)
def test_a_missed_mark_ends_with_one(monkeypatch: pytest.MonkeyPatch, missed: dict[str, float]) -> None:
    result, _ = run(monkeypatch, RUN | missed)
    assert result.exit_code == 1
    assert "MISSED" in result.stdout


@pytest.mark.parametrize("words", [["--probes", "1"], ["--calls", "x"], ["--pending", "0"]])
def test_what_cannot_be_measured_is_told(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    result, asked = run(monkeypatch, RUN, *words)
    assert (result.exit_code, asked) == (2, [])


@pytest.mark.django_db(transaction=True)
def test_its_calls_are_approved_claimed_run_and_finished(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.M1_TOOLS = TOOLS
    for name, number in (("ROUNDS", 2), ("WARM_UP", 1)):
        monkeypatch.setattr(execution_steps, name, number)
    execution_steps.tasks.definitions.cache_clear()
    found = execution_steps.measured(Desk.opened())
    execution_steps.tasks.definitions.cache_clear()
    assert set(ToolCall.objects.values_list("status", flat=True)) == {"succeeded"}
    assert ToolCall.objects.count() == 3
    assert {name.split(".")[1] for name in found} == {"take_up", "claim", "tool", "child_start", "finish"}


def test_the_address_of_the_database_leads_where_the_connection_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "a b/c?d")
    parts = urlsplit(own_database.url())
    if connection.vendor == "sqlite":
        assert parts.path == "/a%20b/c%3Fd"
    else:
        facts = connection.settings_dict
        assert (parts.hostname, str(parts.port), parts.path) == (facts["HOST"], str(facts["PORT"]), "/a%20b/c%3Fd")
