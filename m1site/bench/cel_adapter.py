"""CEL by cel-expr-python, Google's C++ runtime: the rules of one effect joined by `or`, a hundred an expression."""

import json
from typing import Any

from cel_expr_python import cel

from m1site.bench.workload import Call, Condition, Rule, Workload

EFFECTS = ("deny", "approve", "allow")
TEXTS = ("tool", "agent", "environment", "currency", "path", "recipient", "region")
RULES_AN_EXPRESSION = 100
TESTS = {
    "<=": "{0} <= {1}",
    ">": "{0} > {1}",
    "==": "{0} == {1}",
    "in": "{0} in {1}",
    "prefix": "{0}.startsWith({1})",
    "regex": "{0}.matches({1})",
}


class Adapter:
    """CEL with the rules of a workload: the first effect of which an expression holds is the answer."""

    def __init__(self, work: Workload) -> None:
        variables = {**dict.fromkeys(TEXTS, cel.Type.STRING), "amount": cel.Type.INT}
        self._environment: Any = cel.NewEnv(variables=variables)
        self._programs: list[tuple[str, Any]] = []
        for effect in EFFECTS:
            rules = [_rule(rule) for rule in work.rules if rule.effect == effect]
            for start in range(0, len(rules), RULES_AN_EXPRESSION):
                joined = _either(rules[start : start + RULES_AN_EXPRESSION])
                self._programs.append((effect, self._environment.compile(joined)))

    def decide(self, call: Call) -> str:
        """Return deny, approve or allow."""
        names = {"tool": call.tool, "agent": call.agent, "environment": call.environment}
        activation = self._environment.Activation({**names, **call.arguments})
        for effect, program in self._programs:
            if program.eval(activation).value():
                return effect
        return "deny"

    def meaning(self, decision: str) -> tuple[str, None]:
        """Return the decision itself."""
        return decision, None


def _either(parts: list[str]) -> str:
    """Return the parts joined by `or` as a balanced tree: CEL bounds how deep an expression may nest."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({_either(parts[:half])} || {_either(parts[half:])})"


def _rule(rule: Rule) -> str:
    scope = {"tool": rule.tool, "agent": rule.agent, "environment": rule.environment}
    tests = [_name(variable, pattern) for variable, pattern in scope.items() if pattern != "*"]
    return f"({' && '.join(tests + [_test(condition) for condition in rule.conditions]) or 'true'})"


def _name(variable: str, pattern: str) -> str:
    if pattern.startswith("*"):
        return f"{variable}.endsWith({json.dumps(pattern[1:])})"
    begins = pattern.endswith("*")
    return f"{variable}.startsWith({json.dumps(pattern[:-1])})" if begins else f"{variable} == {json.dumps(pattern)}"


def _test(condition: Condition) -> str:
    value = f"^{condition.value}$" if condition.operator == "regex" else condition.value
    return TESTS[condition.operator].format(condition.argument, json.dumps(value))
