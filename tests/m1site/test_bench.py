"""`m1 bench policy`: every engine has the same work, what is printed was measured, and a missed mark is told."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from m1site.bench import cells, documents, one
from m1site.bench import policy as policy_figures
from m1site.bench.engines import ENGINES, Entry
from m1site.bench.expected import expected
from m1site.bench.figures import Figure
from m1site.bench.making import make
from m1site.bench.workload import SHAPES
from m1site.cli import bench

FAST = {"p50": 2.0, "p95": 3.0, "p99": 4.0, "per_second": 500_000.0, "load_ms": 1.0, "checked": 300}
SLOW = {"p50": 800.0, "p95": 900.0, "p99": 990.0, "per_second": 1_000.0, "load_ms": 9.0, "checked": 300}
CHILDREN = {
    "reload": {"live_ms": 9.0, "first_p50_us": 90.0, "first_p99_us": 900.0},
    "whole_check": {"p50": 90.0, "p95": 95.0, "p99": 99.0},
}


@dataclass
class Machine:
    """What is installed, and what the process of each engine measures."""

    libraries: set[str]
    engines: dict[str, dict[str, float]]

    def child(self, module: str, *arguments: str) -> dict[str, Any]:
        return self.engines[arguments[0]] if module == "one" else CHILDREN[module]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    engines = {"m1": {**FAST}, "m1-named": {**FAST}, "cedarpy": {**SLOW}, "cel-expr-python": {**SLOW}}
    found = Machine({"policy", "cedarpy", "cel_expr_python"}, engines)
    for module in (cells, policy_figures):
        monkeypatch.setattr(module, "child", found.child)
    monkeypatch.setattr(Entry, "is_installed", property(lambda entry: entry.library in found.libraries))
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(bench.bench, ["policy", "--repeats", "2", *arguments])


def figures(result: Result) -> dict[str, dict[str, Any]]:
    return {line["figure"]: line for line in map(json.loads, result.stdout.splitlines())}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [10, 100, 1000])
def test_m1_writes_as_many_rules_as_are_asked_for_and_answers_as_the_reference(shape: str, size: int) -> None:
    work = make(size, shape)
    assert len(documents.document(work)["rules"]) == size
    assert one.check(ENGINES["m1"].load(work), work, 60) == one.CHECKED


@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_is_the_same_every_time_and_every_answer_occurs(shape: str) -> None:
    work = make(100, shape)
    assert work == make(100, shape)
    assert {expected(work.rules, call)[0] for call in work.calls[:1000]} == {"deny", "approve", "allow"}


def test_an_engine_that_answers_wrongly_is_not_measured() -> None:
    class Wrong:
        def decide(self, call: object) -> str:
            return "allow"

        def meaning(self, decision: str) -> tuple[str, None]:
            return decision, None

    with pytest.raises(SystemExit, match="'deny' by"):
        one.check(Wrong(), make(10, "grow"), 60)


@pytest.mark.parametrize(
    ("figure", "ok"),
    [
        (Figure("a", 1.0, "x"), None),
        (Figure("a", None, "x", mark=3.0), None),
        (Figure("a", 3.0, "x", mark=3.0, is_floor=True), True),
        (Figure("a", 2.9, "x", mark=3.0, is_floor=True), False),
        (Figure("a", 3.0, "ms", mark=3.0, ceiling=9.0), True),
        (Figure("a", 3.1, "ms", mark=3.0, ceiling=9.0), False),
        (Figure("a", 9.1, "ms", ceiling=9.0), False),
    ],
)
def test_a_figure_says_whether_its_bounds_are_kept(figure: Figure, ok: bool | None) -> None:
    line = json.loads(figure.line())
    assert list(line) == ["figure", "value", "unit", "mark", "ceiling", "ok"]
    assert line["ok"] is ok


def test_every_figure_is_a_line_of_json(machine: Machine) -> None:
    result = run("--json")
    assert result.exit_code == 0, result.output
    found = figures(result)
    assert (
        found["grow.1000.times_cedarpy"] | {"value": 500.0, "mark": 300.0, "ok": True}
        == found["grow.1000.times_cedarpy"]
    )
    assert found["hundred.p50_at_10000_over_100"]["value"] == 1.0
    assert found["grow.10000.live_after_a_change"]["ok"] is True
    assert found["whole_check.p99"]["mark"] == 150.0


def test_a_missed_mark_ends_with_1_and_is_seen_in_the_table(machine: Machine) -> None:
    machine.engines["cedarpy"]["per_second"] = 2_000.0
    result = run("--n", "1000")
    assert result.exit_code == 1
    assert "MISSED" in result.stdout


@pytest.mark.parametrize("peers", ["all", "cedarpy"])
def test_a_peer_that_is_not_installed_is_told_and_its_ratio_is_not_measured(machine: Machine, peers: str) -> None:
    machine.libraries.remove("cedarpy")
    result = run("--json", "--peers", peers)
    assert result.exit_code == 0, result.output
    assert "cedarpy is not installed" in result.stderr
    ratio = figures(result)["grow.1000.times_cedarpy"]
    assert (ratio["value"], ratio["ok"]) == (None, None)


@pytest.mark.parametrize(
    "arguments", [("--n", "9"), ("--n", "10001"), ("--n", "x"), ("--shape", "deep"), ("--peers", "opa")]
)
def test_what_cannot_be_measured_is_bad_input(arguments: tuple[str, str]) -> None:
    assert run(*arguments).exit_code == 2
