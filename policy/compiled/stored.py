"""Rules of a published policy, read from its canonical JSON when a tool needs them.

What was published was checked word by word, and its digest says that it is still the same: so nothing is checked again.
"""

import re
from functools import lru_cache
from typing import Any

import orjson

from policy import leaf_fields
from policy.compiled.policy import CompiledPolicy
from policy.conditions import AllOf, AnyOf, Condition, Not
from policy.leaves import Leaf
from policy.rules import Deny, Match, Review, Rule
from policy.verdict import Requirement

MAX_LEAVES = 100_000
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
    return CompiledPolicy(written, named, _read)


def _section(document: str) -> str:
    """Return what stands in the list of rules.

    Quotes inside a text are escaped, so what is looked for here can only stand where it means itself; and keys are
    sorted, so that a rule begins with one of three, with which nothing inside a rule begins.
    """
    start = document.index('"rules":[') + len('"rules":[')
    end = document.find('],"tests":[', start)
    return document[start : end if end >= 0 else document.rindex("]}", start)]


def _read(written: str) -> Rule:
    return read_rule(orjson.loads(written))


def read_rule(value: dict[str, Any]) -> Rule:
    """Return a rule as `rule_fields.to_value` wrote it."""
    match = Match(**{field: tuple(names) for field, names in value["match"].items()})
    when = AllOf(tuple(_condition(part) for part in value.get("when", ())))
    return Rule(value["name"], match, _effect(value), when, value.get("description", ""))


def _effect(value: dict[str, Any]) -> Deny | Review:
    if "deny" in value:
        return Deny(value["deny"]["message"])
    review = dict(value["review"])
    review["requirements"] = tuple(Requirement.from_dict(one) for one in review["requirements"])
    return Review(**review)


def _condition(value: dict[str, Any]) -> Condition:
    if "not" in value:
        return Not(_condition(value["not"]))
    if "all" in value:
        return AllOf(tuple(_condition(part) for part in value["all"]))
    if "any" in value:
        return AnyOf(tuple(_condition(part) for part in value["any"]))
    return _leaf(orjson.dumps(value))


@lru_cache(MAX_LEAVES)
def _leaf(written: bytes) -> Leaf:
    """Return a leaf; the same few conditions stand in many rules."""
    return leaf_fields.parse(orjson.loads(written), ())
