"""Whether a condition gives an answer at all: what cannot be judged denies the call, whatever the rule is for."""

from functools import lru_cache

import re2

from policy.arguments import MISSING, Schema, Seen
from policy.fitting import types_of
from policy.leaves import Leaf
from policy.lint.domains import Domain, Tool
from policy.lint.facts import Fact, kind, speaks_of_absence
from policy.operators.kinds import TYPED
from policy.operators.prepare import most_read, pattern_options

PLACES = frozenset({"path_inside", "url_host_in", "email_domain_in"})
LENGTHS = frozenset({"length_at_most", "length_at_least"})


def always_judged(leaf: Leaf, domain: Domain) -> bool:
    """Return True where the leaf certainly gives an answer for every call that the schema lets through."""
    judged = Fact(leaf, None)
    if not domain.is_reachable or not all(judged.allows(seen) for seen in domain.singles):
        return False
    if domain.rest is None or speaks_of_absence(leaf):
        return True
    if not leaf.quantifier:
        return _reads(leaf, domain.rest)
    items = domain.items
    if types_of(domain.rest) != {"array"} or items is None or not all(judged.allows_item(one) for one in items.singles):
        return False
    return items.rest is None or _reads(leaf, items.rest)


def errs_wherever(leaf: Leaf, other: Leaf) -> bool:
    """Return True where `leaf` certainly cannot be judged on any call on which `other` cannot be."""
    if leaf.path != other.path or bool(leaf.quantifier) is not bool(other.quantifier):
        return False
    if speaks_of_absence(other):
        return True
    if speaks_of_absence(leaf) or (leaf.if_missing is not None and other.if_missing is None):
        return False
    mine, others = _reader(leaf), _reader(other)
    return mine == others or (others == "text" and leaf.types == other.types)


def silent_about(leaf: Leaf, tool: Tool) -> "Seen | None":
    """Return what a call may have in the argument's place that the leaf should have spoken of: MISSING or []."""
    if leaf.if_missing is not None or speaks_of_absence(leaf):
        return None
    singles = tool.domain(leaf.path).singles
    return next((seen for seen in singles if seen is MISSING or (leaf.quantifier and seen == [])), None)


def _reads(leaf: Leaf, schema: Schema) -> bool:
    """Return whether the operator can read every value of a schema, null and lists without items aside."""
    types = types_of(schema)
    if not types or not types <= leaf.types or leaf.operator in PLACES or kind(leaf) in TYPED:
        return False
    most = schema.get("maxLength")
    return leaf.operator != "matches" or (isinstance(most, int) and most <= _most_read(str(leaf.value)))


@lru_cache(10_000)
def _most_read(pattern: str) -> int:
    return most_read(re2.compile(pattern, pattern_options()).programsize)


def _reader(leaf: Leaf) -> str:
    """Return how an operator reads its value; those that read alike refuse alike."""
    if leaf.operator == "path_inside":  # relative and absolute directories refuse each other's paths
        return f"{leaf.operator} {str(leaf.value)[:1] == '/'}"
    if leaf.operator == "matches":  # a large pattern reads less
        return f"{leaf.operator} {_most_read(str(leaf.value))}"
    if leaf.operator in PLACES:
        return leaf.operator
    return "length" if leaf.operator in LENGTHS else kind(leaf) or "text"
