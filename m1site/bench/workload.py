"""What every engine is given alike: rules and calls.

Tools are `namespace.verb`, agents `team.agent`; a rule names one, `namespace.*`, `*.verb` or `*`, and asks up to two
conditions of the arguments.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

SHAPES = {"grow": "tools grow with the rules", "hundred": "100 tools"}
NAMES_A_RULE = 100


class Condition(NamedTuple):
    """One test of one argument; `operator` is one of <= > == in prefix regex."""

    argument: str
    operator: str
    value: Any


class Rule(NamedTuple):
    """A rule in no engine's own words: deny wins over approve, approve over allow; where none matches, denied."""

    id: int
    effect: str
    tool: str
    agent: str
    environment: str
    conditions: tuple[Condition, ...]


class Call(NamedTuple):
    """One call, its arguments complete and of the right types."""

    tool: str
    agent: str
    environment: str
    groups: frozenset[str]
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workload:
    """Everything one cell of the benchmark works on; `size` counts rules as M1 writes them."""

    tools: list[str]
    rules: list[Rule]
    calls: list[Call]

    def beginning(self) -> "Workload":
        """Return a little of it, to load an engine's libraries with."""
        return Workload(self.tools, self.rules[:2], self.calls[:5])
