"""Cedar by cedarpy: parsed handles for policies and entities; teams, namespaces and verbs as entity groups."""

import json
from typing import Any

import cedarpy

from m1site.bench.workload import Call, Condition, Rule, Workload

TESTS = {
    "<=": "{0} <= {1}",
    ">": "{0} > {1}",
    "==": "{0} == {1}",
    "in": "{1}.contains({0})",
    "prefix": "{0} like {1}",
    "regex": "{0} like {1}",
}


class Adapter:
    """Cedar with the rules of a workload: deny is a forbid, allow and approve are permits that carry their names."""

    def __init__(self, work: Workload) -> None:
        agents = sorted({call.agent for call in work.calls})
        entities = [_entity("Agent", agent, ("Team", agent.split(".")[0])) for agent in agents]
        for tool in work.tools:
            space, verb = tool.split(".")
            entities.append(_entity("Tool", tool, ("Space", space), ("Verb", verb)))
        self._entities = cedarpy.Entities.from_json_str(json.dumps(entities))
        self._policies = cedarpy.PolicySet.from_str("\n".join(_policy(rule) for rule in work.rules))

    def decide(self, call: Call) -> str:
        """Return deny, approve or allow."""
        request = {
            "principal": {"type": "Agent", "id": call.agent},
            "action": {"type": "Action", "id": "call"},
            "resource": {"type": "Tool", "id": call.tool},
            "context": {"environment": call.environment, **call.arguments},
        }
        answer: Any = cedarpy.is_authorized(request, self._policies, self._entities)
        if not answer.allowed:
            return "deny"
        return "approve" if "approve" in answer.diagnostics.id_annotations_by_reason.values() else "allow"

    def meaning(self, decision: str) -> tuple[str, None]:
        """Return the decision itself."""
        return decision, None


def _entity(kind: str, name: str, *parents: tuple[str, str]) -> dict[str, Any]:
    above = [{"type": kind, "id": name} for kind, name in parents]
    return {"uid": {"type": kind, "id": name}, "attrs": {}, "parents": above}


def _policy(rule: Rule) -> str:
    head = f"{_scope('principal', rule.agent, 'Agent', 'Team')}, action, {_resource(rule.tool)}"
    tests = [] if rule.environment == "*" else [f"context.environment == {json.dumps(rule.environment)}"]
    tests += [_test(condition) for condition in rule.conditions]
    when = f" when {{ {' && '.join(tests)} }}" if tests else ""
    return f'@id("{rule.effect}")\n{"forbid" if rule.effect == "deny" else "permit"}({head}){when};'


def _resource(pattern: str) -> str:
    verb = pattern.startswith("*.")
    return f"resource in Verb::{json.dumps(pattern[2:])}" if verb else _scope("resource", pattern, "Tool", "Space")


def _scope(who: str, pattern: str, kind: str, group: str) -> str:
    if pattern == "*":
        return who
    in_group = pattern.endswith(".*")
    return f"{who} in {group}::{json.dumps(pattern[:-2])}" if in_group else f"{who} == {kind}::{json.dumps(pattern)}"


def _test(condition: Condition) -> str:
    value = condition.value
    if condition.operator == "prefix":
        value += "*"
    elif condition.operator == "regex":  # Cedar has no expressions; on this stream the end of the text says the same
        value = "*" + value.removeprefix("[a-z0-9]+").replace("\\", "")
    return TESTS[condition.operator].format(f"context.{condition.argument}", json.dumps(value))
