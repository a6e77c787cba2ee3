"""Rules by the tools that they look at, and the decision on a call: immutable, to be swapped whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from audit.canonical import JSON
from policy.compiled.decision import Decision
from policy.compiled.table import Table
from policy.proposal import ToolShape
from policy.rules import Rule

MAX_TABLES = 10_000


class CompiledPolicy:
    """Rules ready to judge with. A tool's table is made at its first call.

    rules   what the policy has; entries that are no rules yet become some by `read`, when a tool needs them
    tools   for each entry the names and patterns of tools that it looks at
    """

    __slots__ = ("_exact", "_patterns", "_read", "_rules", "_tables")

    def __init__(self, rules: Sequence[Any], tools: Iterable[Sequence[str]], read: Callable[[Any], Rule]) -> None:
        self._rules = list(rules)
        self._read = read
        self._exact: dict[str, list[int]] = {}
        self._patterns: dict[str, list[int]] = {}
        self._tables: dict[ToolShape, Table] = {}
        for at, names in enumerate(tools):
            for name in names:
                shelf = self._patterns if name[-1] == "*" else self._exact
                shelf.setdefault(name.removesuffix("*"), []).append(at)
        for at in self._patterns.get("", ()):
            self._rule(at)  # for every tool: no tool's first call should pay for all of them

    def decide(
        self, shape: ToolShape, agent: str, environment: str, groups: frozenset[str], arguments: Mapping[str, JSON]
    ) -> Decision:
        """Return the decision on a call; raises CostError, and whatever a fault of the engine raises.

        shape, agent, environment, groups   as in Proposal; `groups` are the requester's
        """
        table = self._tables.get(shape) or self._table(shape)
        return table.decide(agent, environment, groups, arguments)

    def candidates(self, shape: ToolShape) -> Iterator[Rule]:
        """Yield each rule once that looks at the tool: as in Rule.covers, with the tools looked up."""
        ends = [0, *(position + 1 for position, letter in enumerate(shape.tool) if letter == ".")]
        named = self._exact.get(shape.tool, [])
        yield from map(self._rule, dict.fromkeys(named))
        patterns = dict.fromkeys(chain.from_iterable(self._patterns.get(shape.tool[:end], ()) for end in ends))
        for rule in map(self._rule, patterns.keys() - named):
            if shape.argument_names is None or shape.argument_names.issuperset(rule.argument_names()):
                yield rule

    def _rule(self, at: int) -> Rule:
        rule = self._rules[at]
        if not isinstance(rule, Rule):
            rule = self._rules[at] = self._read(rule)
        return rule

    def _table(self, shape: ToolShape) -> Table:
        table = Table(shape, self.candidates(shape))
        if len(self._tables) >= MAX_TABLES:
            self._tables.clear()
        self._tables[shape] = table
        return table


def compile_rules(rules: Iterable[Rule]) -> CompiledPolicy:
    """Return rules ready to judge with."""
    found = list(rules)
    return CompiledPolicy(found, (rule.match.tools for rule in found), lambda rule: rule)
