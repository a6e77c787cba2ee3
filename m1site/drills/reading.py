"""Drills from YAML files, M1's own and other people's; docs/drill.md describes the format."""

from collections.abc import Mapping
from pathlib import Path

from agents.planners.scenario_yaml import Table, load
from m1site.drills import texts
from m1site.drills.scenario import Case, Run, Scenario, Tool, Trick

FOLDER = Path(__file__).parent
RISKS = ("low", "medium", "high", "critical")
FINE = "It is what the goal asks for, and no more."
MOST = 1_000


def names() -> list[str]:
    """Return the names of the drills that M1 comes with."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def read(name: str) -> Scenario:
    """Return a drill by its name, or by the path of a YAML file. Raises ScenarioError, OSError, UnicodeDecodeError."""
    file = FOLDER / f"{name}.yaml" if name in names() else Path(name)
    top = load(file.read_text())
    top.only("title", "about", "tools", "runs", "calls")
    tools = {name: _tool(name, table) for name, table in _tables(top, "tools")}
    runs = {name: _run(table) for name, table in _tables(top, "runs")}
    cases = tuple(_case(table, tools, runs) for table in top.tables("calls"))
    return Scenario(file.stem, top.text("title"), top.text("about"), cases)


def _tables(top: Table, key: str) -> list[tuple[str, Table]]:
    table = top.table(key)
    return [(name, table.table(name)) for name in table]


def _tool(name: str, table: Table) -> Tool:
    table.only("headline", "risk", "read_only", "external", "reversible_with", "state")
    (risk,) = table.words("risk", RISKS)
    (state,) = table.words("state", ("enabled", "disabled")) if "state" in table else ("enabled",)
    return Tool(
        name, table.text("headline"), risk, state=state, reversible_with=_text(table, "reversible_with") or None,
        read_only=_flag(table, "read_only"), external=_flag(table, "external"),
    )  # fmt: skip


def _run(table: Table) -> Run:
    table.only("agent", "requester", "environment", "goal")
    return Run(*(table.text(key) for key in ("agent", "requester", "environment", "goal")))


def _case(table: Table, tools: Mapping[str, Tool], runs: Mapping[str, Run]) -> Case:
    table.only(
        "id", "tool", "run", "arguments", "reason", "said", "rule", "preview", "vote", "needed", "was_rejected",
        "trick", "fine", "not_before",
    )  # fmt: skip
    (tool,), (run,) = table.words("tool", tools), table.words("run", runs)
    given = table.json_object("arguments")
    return Case(
        id=table.name("id"), tool=tools[tool], run=runs[run],
        arguments={name: texts.whole(value, table.error) for name, value in given.items()},
        reason=table.text("reason"), rule=table.text("rule"), said=_text(table, "said"),
        preview=_text(table, "preview"), vote=_text(table, "vote"), needed=_whole(table, "needed", 1),
        was_rejected=_flag(table, "was_rejected"), trick=_trick(table.table("trick")) if "trick" in table else None,
        fine=_text(table, "fine") or FINE, not_before=_whole(table, "not_before", 0),
    )  # fmt: skip


def _trick(table: Table) -> Trick:
    table.only("name", "what", "seen")
    return Trick(table.text("name"), table.text("what"), table.text("seen"))


def _text(table: Table, key: str) -> str:
    return table.text(key) if key in table else ""


def _flag(table: Table, key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise table.error(f"{key} must be true or false")
    return value


def _whole(table: Table, key: str, usual: int) -> int:
    value = table.get(key, usual)
    if type(value) is not int or not 0 <= value <= MOST:
        raise table.error(f"{key} must be a whole number up to {MOST}")
    return value
