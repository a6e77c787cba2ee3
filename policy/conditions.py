"""Conditions on arguments: leaves, and all/any/not around them. Rules and pre-authorisations share them.

Every leaf is judged, always: no short cut, so that the order in which conditions are written changes no outcome, and
a leaf that cannot be judged is never passed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from audit.canonical import JSON
from policy import leaf_fields
from policy.errors import PolicyError, UnjudgedError
from policy.leaves import Facts, Leaf, Observation
from policy.proposal import NOTHING
from policy.reading import Path, mapping, sequence, wrong

MAX_DEPTH, MAX_LEAVES = 6, 50


@dataclass(frozen=True, slots=True)
class Held:
    """The condition holds; `because` are the leaves that decided."""

    because: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class NotHeld:
    """The condition does not hold; `because` are the leaves that decided."""

    because: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Error:
    """The condition cannot be judged on these arguments, so nobody may act as if it had an answer."""

    problem: str
    code: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds where every part holds; without parts, always."""

    parts: tuple["Condition", ...]

    def holds(
        self,
        arguments: Mapping[str, JSON],
        defaults: Mapping[str, JSON] = NOTHING,
        sensitive: frozenset[str] = frozenset(),
    ) -> Held | NotHeld | Error:
        """Return whether the arguments satisfy the condition, or why that cannot be said; never raises for them.

        defaults   of the tool's schema by dotted path, from `arguments.defaults_of`
        sensitive  names whose values the answer must not carry
        """
        return answer(self, Facts(arguments, defaults, sensitive))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where at least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not."""

    part: "Condition"


Condition: TypeAlias = Leaf | AllOf | AnyOf | Not
ALWAYS = AllOf(())


def answer(condition: Condition, facts: Facts) -> Held | NotHeld | Error:
    """Return what a condition says of the facts; whatever goes wrong inside is an Error, never a yes or no."""
    try:
        held, because = _judge(condition, facts)
    except UnjudgedError as exc:
        return Error(exc.problem, exc.code)
    except PolicyError as exc:
        return Error(str(exc), exc.code)
    except Exception as exc:
        return Error(f"an unexpected {type(exc).__name__}", "policy_error")
    return Held(because) if held else NotHeld(because)


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield every leaf of a condition, in the order written."""
    match condition:
        case Leaf():
            yield condition
        case Not(part):
            yield from leaves(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)


def parse(raw: JSON, path: Path = ()) -> AllOf:
    """Return the condition that a list of conditions makes: all of them must hold. Raises FieldError."""
    parts = sequence(raw, path, most=MAX_LEAVES)
    condition = AllOf(tuple(_parse(part, (*path, position), 1) for position, part in enumerate(parts)))
    if sum(1 for _ in leaves(condition)) > MAX_LEAVES:
        raise wrong(path, f"has more than {MAX_LEAVES} conditions; make several rules")
    return condition


def to_value(condition: AllOf) -> list[JSON]:
    """Return a condition as `parse` reads it."""
    return [_to_value(part) for part in condition.parts]


def _judge(condition: Condition, facts: Facts) -> tuple[bool, tuple[Observation, ...]]:
    """Return whether it holds, and the leaves that decided: those that agree with a group, all where all agree."""
    match condition:
        case Leaf():
            seen = condition.observe(facts)
            return seen.held, (seen,)
        case Not(part):
            held, because = _judge(part, facts)
            return not held, because
        case AllOf(parts) | AnyOf(parts):
            judged = [_judge(part, facts) for part in parts]
            held = all(one for one, _ in judged) if isinstance(condition, AllOf) else any(one for one, _ in judged)
            return held, tuple(seen for one, because in judged if one is held for seen in because)


def _parse(raw: JSON, path: Path, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise wrong(path, f"is nested deeper than {MAX_DEPTH} groups")
    word = next((word for word in ("all", "any", "not") if isinstance(raw, dict) and word in raw), None)
    if word is None:
        return leaf_fields.parse(raw, path)
    inner = mapping(raw, path, (word,))[word]
    if word == "not":
        return Not(_parse(inner, (*path, word), depth + 1))
    entries = sequence(inner, (*path, word), least=1, most=MAX_LEAVES)
    parts = tuple(_parse(entry, (*path, word, position), depth + 1) for position, entry in enumerate(entries))
    return AllOf(parts) if word == "all" else AnyOf(parts)


def _to_value(condition: Condition) -> JSON:
    match condition:
        case Leaf():
            return leaf_fields.to_value(condition)
        case Not(part):
            return {"not": _to_value(part)}
        case AllOf(parts):
            return {"all": [_to_value(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [_to_value(part) for part in parts]}
