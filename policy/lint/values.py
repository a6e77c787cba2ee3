"""Whether an argument can be as the facts say. No is certain; yes may mean that it could not be found out."""

from collections.abc import Sequence

from policy.arguments import Schema
from policy.fitting import types_of
from policy.lint import spans, texts
from policy.lint.domains import Domain
from policy.lint.facts import Fact, kind, scalars, speaks_of_absence
from policy.lint.judging import LENGTHS
from policy.operators.kinds import TYPED, Typed

EVERY: dict[tuple[str, bool | None], bool] = {
    ("any_of", False): False,
    ("all_of", True): True,
    ("none_of", True): False,
}
SOME: dict[tuple[str, bool | None], bool] = {("any_of", True): True, ("all_of", False): False, ("none_of", False): True}


def possible(domain: Domain, facts: Sequence[Fact]) -> bool:
    """Return False where no value of the argument, nor its absence, agrees with all the facts."""
    if any(all(fact.allows(seen) for fact in facts) for seen in domain.singles):
        return True
    if domain.rest is None or not all(fact.allows("") for fact in facts if speaks_of_absence(fact.leaf)):
        return False
    said = [fact for fact in facts if not speaks_of_absence(fact.leaf)]
    whole = [fact for fact in said if not fact.leaf.quantifier]
    if len(whole) == len(said):
        return _value_possible(domain, whole)
    types = types_of(domain.rest)
    return (not types or "array" in types) and _value_possible(domain, whole) and _list_possible(domain, said)


def _list_possible(domain: Domain, facts: Sequence[Fact]) -> bool:
    """Return whether items can be so that every fact holds of a list that has at least one."""
    quantified = [(fact.leaf, (fact.leaf.quantifier, fact.held)) for fact in facts if fact.leaf.quantifier]
    every = [Fact(leaf, EVERY.get(word)) for leaf, word in quantified]
    some = [Fact(leaf, SOME[word]) for leaf, word in quantified if word in SOME]
    return domain.items is None or all(
        _item_possible(domain.items, [*every, *one]) for one in ([], *([fact] for fact in some))
    )


def _item_possible(domain: Domain, facts: Sequence[Fact]) -> bool:
    if any(all(fact.allows_item(item) for fact in facts) for item in domain.singles):
        return True
    return domain.rest is not None and _value_possible(domain, facts)


def _value_possible(domain: Domain, facts: Sequence[Fact]) -> bool:
    """Return whether a value outside the singles agrees with facts about the value itself."""
    schema: Schema = domain.rest or {}
    types = _types(schema, facts)
    kinds = {kind(fact.leaf) for fact in facts}
    # Nothing is both a decimal and a date; a test that held of a leaf did not fail of the same one.
    if types == frozenset() or len(kinds & TYPED) > 1 or _opposed(facts):
        return False
    named = next((fact for fact in facts if fact.names_values and kind(fact.leaf) not in TYPED), None)
    if named is not None:
        return any(
            domain.admits(value) and all(fact.allows_item(value) for fact in facts)
            for value in scalars(named.leaf)
            if not isinstance(value, Typed)
        )
    said = texts.sort(facts)
    return not texts.contradict(said) and _spans_possible(schema, types, facts, kinds, texts.longest_part(said))


def _spans_possible(
    schema: Schema, types: frozenset[str] | None, facts: Sequence[Fact], kinds: set[str], least: int
) -> bool:
    if "number" in kinds and spans.numbers(facts, schema).is_empty(whole=types == frozenset({"integer"})):
        return False
    if not all(_typed_possible(name, facts) for name in kinds & TYPED):
        return False
    if not least and not any(fact.leaf.operator in LENGTHS for fact in facts):
        return True
    span = spans.lengths(facts, schema, types or frozenset())
    span.bound("low", least, True)
    return not span.is_empty(whole=True)


def _typed_possible(name: str, facts: Sequence[Fact]) -> bool:
    """Return whether a decimal, date or time agrees with the facts of its kind; how it is written, they do not see."""
    alike = [fact for fact in facts if kind(fact.leaf) == name]
    named = next((fact for fact in alike if fact.names_values), None)
    if named is None:
        return not spans.compared(alike, name).is_empty()
    written = (value.text for value in scalars(named.leaf) if isinstance(value, Typed))
    return any(all(fact.allows_item(text) for fact in alike) for text in written)


def _types(schema: Schema, facts: Sequence[Fact]) -> frozenset[str] | None:
    """Return the JSON types that are left; None where every type is. A test that cannot read a value does not judge."""
    known = [types for types in (types_of(schema), *(fact.leaf.types for fact in facts)) if types]
    return frozenset.intersection(*known) if known else None


def _opposed(facts: Sequence[Fact]) -> bool:
    held, failed = (
        {(fact.leaf.operator, fact.leaf.value) for fact in facts if fact.held is said} for said in (True, False)
    )
    return not held.isdisjoint(failed)
