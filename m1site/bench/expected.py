"""The right answer for a call, slowly: each rule read as it is written."""

import operator
import re
from collections.abc import Callable
from typing import Any

from m1site.bench.workload import Call, Rule

TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">": operator.gt,
    "==": operator.eq,
    "in": lambda seen, values: seen in values,
    "prefix": str.startswith,
    "regex": lambda seen, pattern: re.fullmatch(pattern, seen) is not None,
}


def expected(rules: list[Rule], call: Call) -> tuple[str, frozenset[int]]:
    """Return deny, approve or allow, and the ids of the rules that match."""
    matched = [rule for rule in rules if _matches(rule, call)]
    effects = {rule.effect for rule in matched}
    answer = next((effect for effect in ("deny", "approve", "allow") if effect in effects), "deny")
    return answer, frozenset(rule.id for rule in matched)


def fits(name: str, pattern: str) -> bool:
    """Return whether a name is the pattern, or begins or ends as one with a star says."""
    if pattern.startswith("*"):
        return name.endswith(pattern[1:])
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _matches(rule: Rule, call: Call) -> bool:
    return (
        fits(call.tool, rule.tool)
        and fits(call.agent, rule.agent)
        and fits(call.environment, rule.environment)
        and all(TESTS[test.operator](call.arguments[test.argument], test.value) for test in rule.conditions)
    )
