"""A scenario: what a scripted agent says and asks for, step by step, and where it goes after people have decided.

steps:
  - step: tell                      # a name; the first step is the first turn
    say: I will write to her.       # what the agent says; optional beside calls
    calls:
      - id: mail                    # a name of its own in the scenario
        tool: email.send
        arguments: {to: ana@example.com}
        reason: She asked for it.
    next:                           # the first entry whose calls all ended so; the last one has no `when`
      - when: {mail: succeeded}     # or [rejected, expired]; calls of earlier steps, too
        goto: thanks
      - goto: sorry
  - step: thanks
    finish: Done.                   # the closing words; a step has either calls and next, or finish
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.planners.names import M1_NAME
from agents.planners.scenario_yaml import ScenarioError, Table, load

ENDS = ("succeeded", "failed", "denied", "rejected", "expired", "cancelled")


@dataclass(frozen=True)
class Call:
    """A tool call that the scenario asks for."""

    id: str
    tool: str
    arguments: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class Branch:
    """Where to go if each of these calls ended in one of its words; no calls: always."""

    when: Mapping[str, tuple[str, ...]]
    goto: str

    def holds(self, seen: Mapping[str, str]) -> bool:
        """Every call ended as this branch wants it; a call that was never made did not."""
        return all(seen.get(call) in words for call, words in self.when.items())


@dataclass(frozen=True)
class Step:
    """One turn of the scripted agent: it speaks and asks for calls, or finishes."""

    name: str
    say: str
    calls: tuple[Call, ...]
    next: tuple[Branch, ...]


@dataclass(frozen=True)
class Scenario:
    """The steps by name, in the order of the file."""

    steps: Mapping[str, Step]

    def first(self) -> Step:
        """Return the step that a run begins with."""
        return next(iter(self.steps.values()))

    def after(self, step: Step, seen: Mapping[str, str]) -> Step:
        """Return the step to go to when the calls ended as seen; the last branch always holds."""
        return self.steps[next(branch.goto for branch in step.next if branch.holds(seen))]


def parse(text: str) -> Scenario:
    """Return the scenario that YAML describes. Raises ScenarioError, which names the line and the way out."""
    top = load(text)
    top.only("steps")
    tables = top.tables("steps")
    steps = _by_name([_step(table) for table in tables], tables)
    made = _made(tables)
    for table, step in zip(tables, steps.values(), strict=True):
        _check_next(table, step, steps, made)
    return Scenario(steps)


def _by_name(steps: list[Step], tables: list[Table]) -> dict[str, Step]:
    by_name: dict[str, Step] = {}
    for step, table in zip(steps, tables, strict=True):
        if step.name in by_name:
            raise table.error(f"a second step is named {step.name!r}")
        by_name[step.name] = step
    return by_name


def _step(table: Table) -> Step:
    if "finish" in table:
        table.only("step", "finish")
        return Step(table.name("step"), table.text("finish"), (), ())
    table.only("step", "say", "calls", "next")
    return Step(
        name=table.name("step"),
        say=table.text("say") if "say" in table else "",
        calls=tuple(_call(call) for call in table.tables("calls")),
        next=tuple(_branch(branch) for branch in table.tables("next")),
    )


def _call(table: Table) -> Call:
    table.only("id", "tool", "arguments", "reason")
    if not M1_NAME.fullmatch(table.text("tool")):
        raise table.error("tool must be a tool's name, such as files.read")
    return Call(table.name("id"), table.text("tool"), table.json_object("arguments"), table.text("reason"))


def _branch(table: Table) -> Branch:
    table.only("when", "goto")
    when = table.table("when") if "when" in table else None
    return Branch({call: when.words(call, ENDS) for call in when} if when else {}, table.name("goto"))


def _made(tables: list[Table]) -> set[str]:
    """Return the ids of all calls; each is there once, so that `when` can only mean one."""
    made: set[str] = set()
    for call in [call for table in tables if "calls" in table for call in table.tables("calls")]:
        if call.name("id") in made:
            raise call.error(f"a second call has the id {call.name('id')!r}")
        made.add(call.name("id"))
    return made


def _check_next(table: Table, step: Step, steps: Mapping[str, Step], made: set[str]) -> None:
    branches = zip(table.tables("next") if step.calls else [], step.next, strict=True)
    for place, branch in branches:
        if branch.goto not in steps:
            raise place.error(f"goto names the step {branch.goto!r}, which does not exist")
        if unknown := sorted(set(branch.when) - made):
            raise place.error(f"when names the call {unknown[0]!r}, which no step makes")
        if (not branch.when) != (branch is step.next[-1]):
            raise place.error("the last entry of next, and only that one, has no when")


__all__ = ["Branch", "Call", "Scenario", "ScenarioError", "Step", "parse"]
