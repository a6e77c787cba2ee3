"""Rules of a published policy, read from its canonical JSON when a tool needs them.

What was published was checked word by word, and its digest says that it is still the same: so nothing is checked again.
"""

import re
from typing import Any

import orjson

from policy import leaf_fields
from policy.compiled.policy import CompiledPolicy
from policy.conditions import AllOf, AnyOf, Condition, Not
from policy.leaves import Leaf
from policy.rules import Deny, Match, Review, Rule
from policy.verdict import Escalation, Requirement

_BETWEEN = re.compile(r',(?=\{"(?:deny|description|match)":)')
_TOOLS = re.compile(r'"tools":(\[[^\]]*\])')


def compile_stored(document: str) -> CompiledPolicy:
    """Return the policy of a published document, from its canonical JSON.

    Its rules stay text until a tool needs them: ten thousand of them as objects take a hundred milliseconds to make,
    and as long again each time that Python looks for cycles among them. Raises ValueError for what is not canonical.
    """
    rules = _section(document)
    named = [orjson.loads(found) for found in _TOOLS.findall(rules)]
    written = _BETWEEN.split(rules)
    if len(named) != len(written):
        raise ValueError("the document is not canonical")
    return CompiledPolicy(written, named, Reader().rule_of)


def _section(document: str) -> str:
    """Return what stands in the list of rules.

    Quotes inside a text are escaped, so what is looked for here can only stand where it means itself; and keys are
    sorted, so that a rule begins with one of three, with which nothing inside a rule begins.
    """
    start = document.index('"rules":[') + len('"rules":[')
    end = document.find('],"tests":[', start)
    return document[start : end if end >= 0 else document.rindex("]}", start)]


class Reader:
    """Reads the rules of one policy. The same few conditions stand in many rules: each is made once."""

    def __init__(self) -> None:
        self._leaves: dict[bytes, Leaf] = {}

    def rule_of(self, written: str) -> Rule:
        """Return a rule from its canonical JSON."""
        return self.rule(orjson.loads(written))

    def rule(self, value: dict[str, Any]) -> Rule:
        """Return a rule as `rule_fields.to_value` wrote it."""
        match = Match(**{field: tuple(names) for field, names in value["match"].items()})
        when = AllOf(tuple(map(self._condition, value.get("when", ()))))
        return Rule(value["name"], match, _effect(value), when, value.get("description", ""))

    def _condition(self, value: dict[str, Any]) -> Condition:
        if "not" in value:
            return Not(self._condition(value["not"]))
        if "all" in value:
            return AllOf(tuple(map(self._condition, value["all"])))
        if "any" in value:
            return AnyOf(tuple(map(self._condition, value["any"])))
        return self._leaf(orjson.dumps(value))

    def _leaf(self, written: bytes) -> Leaf:
        if written not in self._leaves:
            self._leaves[written] = leaf_fields.parse(orjson.loads(written), ())
        return self._leaves[written]


def _effect(value: dict[str, Any]) -> Deny | Review:
    if "deny" in value:
        return Deny(value["deny"]["message"])
    review = dict(value["review"])
    review["requirements"] = tuple(Requirement.from_dict(one) for one in review["requirements"])
    if review.get("escalate"):  # the oldest versions have no such field
        review["escalate"] = Escalation.from_dict(review["escalate"])
    return Review(**review)
