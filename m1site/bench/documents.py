"""The workload as a policy document of M1: allow and approve are reviews, and `*.verb` is a list of names."""

from collections.abc import Iterator

from audit.canonical import JSON
from m1site.bench.workload import NAMES_A_RULE, Condition, Rule, Workload

OPERATORS = {
    "<=": "at_most",
    ">": "greater_than",
    "==": "equals",
    "in": "in",
    "prefix": "starts_with",
    "regex": "matches",
}
SCHEMA: dict[str, JSON] = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer"},
        **{name: {"type": "string"} for name in ("currency", "path", "recipient", "region")},
    },
    "required": ["amount", "currency", "path", "recipient", "region"],
    "additionalProperties": False,
}
EFFECTS: dict[str, dict[str, JSON]] = {
    "deny": {"deny": {"message": "Not here."}},
    "approve": {"review": {"requirements": [{"count": 2, "groups": ["approver"]}]}},
    "allow": {"review": {"requirements": [{"count": 1, "groups": ["approver"]}], "preauthorization": True}},
}


def document(work: Workload) -> dict[str, JSON]:
    """Return the rules of a workload as `policy.documents` reads them."""
    return {"format": 1, "rules": [value for rule in work.rules for value in _values(rule, work.tools)]}


def meant(names: tuple[str, ...]) -> tuple[str, frozenset[int]]:
    """Return deny, approve or allow and the workload's ids, from the names of the rules that matched."""
    effects = {name.split("-")[0] for name in names}
    answer = next((effect for effect in ("deny", "approve", "allow") if effect in effects), "deny")
    return answer, frozenset(int(name.split("-")[1]) for name in names)


def _values(rule: Rule, tools: list[str]) -> Iterator[JSON]:
    """Yield the rule, or as many as its list of names needs, each named `effect-id-part`."""
    for part, names in enumerate(_names(rule.tool, tools)):
        yield {
            "name": f"{rule.effect}-{rule.id}-{part}",
            "match": _match(rule, names),
            "when": [_leaf(condition) for condition in rule.conditions],
            **EFFECTS[rule.effect],
        }


def _names(pattern: str, tools: list[str]) -> Iterator[list[JSON]]:
    if not pattern.startswith("*."):
        yield [pattern]
        return
    names: list[JSON] = [tool for tool in tools if tool.endswith(pattern[1:])]
    yield from (names[start : start + NAMES_A_RULE] for start in range(0, len(names), NAMES_A_RULE))


def _match(rule: Rule, names: list[JSON]) -> dict[str, JSON]:
    match: dict[str, JSON] = {"tools": names}
    if rule.agent != "*":
        match["agents"] = [rule.agent]
    if rule.environment != "*":
        match["environments"] = [rule.environment]
    return match


def _leaf(condition: Condition) -> JSON:
    return {"argument": condition.argument, "operator": OPERATORS[condition.operator], "value": condition.value}
