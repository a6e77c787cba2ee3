"""Which of the tools a rule looks at, and which rules look at no other calls than another one does."""

from collections.abc import Iterable, Mapping

from policy.arguments import Schema
from policy.lint.domains import Tool
from policy.rules import Match, Rule, fits


class Reach:
    """The tools there are, by the rules that look at their calls."""

    def __init__(self, tools: Mapping[str, Schema]) -> None:
        self.tools = [Tool(name, tools[name]) for name in sorted(tools)]
        self._found: dict[tuple[tuple[str, ...], frozenset[str]], tuple[Tool, ...]] = {}
        self._unlike: dict[tuple[tuple[Tool, ...], frozenset[str]], tuple[Tool, ...]] = {}

    def of(self, rule: Rule) -> tuple[Tool, ...]:
        """Return the tools whose calls the rule judges."""
        key = rule.match.tools, frozenset(rule.argument_names())
        if key not in self._found:  # many rules of a large policy look at the same tools
            self._found[key] = tuple(tool for tool in self.tools if rule.covers(tool.shape))
        return self._found[key]

    def unlike(self, rule: Rule, other: Rule) -> tuple[Tool, ...]:
        """Return the tools that `rule` judges; of those that the conditions of both cannot tell apart, one."""
        key = self.of(rule), frozenset((*rule.argument_names(), *other.argument_names()))
        if key not in self._unlike:
            self._unlike[key] = tuple({tool.look(key[1]): tool for tool in reversed(key[0])}.values())[::-1]
        return self._unlike[key]

    def any_fits(self, rule: Rule) -> bool:
        """Return whether a tool bears one of the names that the rule matches, whatever its arguments."""
        return any(fits(tool.name, pattern) for tool in self.tools for pattern in rule.match.tools)


def is_within(match: Match, other: Match) -> bool:
    """Return whether every agent, environment and requester that `match` wants is wanted by `other` too."""
    return (
        _all_fit(match.agents, other.agents)
        and _is_part(match.environments, other.environments)
        and _is_part(match.requester_groups, other.requester_groups)
    )


def _all_fit(names: Iterable[str], patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return True
    wanted = tuple(names)
    return bool(wanted) and all(any(_fits(name, pattern) for pattern in patterns) for name in wanted)


def _fits(name: str, pattern: str) -> bool:
    """Return whether a name, or every name of a pattern, fits a pattern."""
    return (
        name == pattern if name.endswith("*") and not pattern.endswith("*") else fits(name.removesuffix("*"), pattern)
    )


def _is_part(names: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return not others or (bool(names) and set(names) <= set(others))
