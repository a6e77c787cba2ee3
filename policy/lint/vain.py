"""What is in vain inside a condition that works otherwise: alternatives that no call meets, values it cannot have."""

from collections.abc import Iterator

from policy import sentences
from policy.conditions import AllOf, AnyOf, Condition, Not
from policy.leaves import Leaf
from policy.lint.calls import Calls, listed
from policy.lint.domains import Tool
from policy.lint.facts import POINTS, scalars
from policy.operators.kinds import Scalar, Typed


def parts(part: Condition, calls: Calls) -> Iterator[tuple[str, str]]:
    """Yield a code and a sentence for every alternative, and every value of a list, that does nothing."""
    match part:
        case Leaf():
            yield from _values(part, calls)
        case Not(inner):
            yield from parts(inner, calls)
        case AllOf(inners) | AnyOf(inners):
            for inner in inners:
                if isinstance(part, AnyOf) and calls.none_meets(inner):
                    said = f"no call of {calls} can be such that {sentences.condition(inner)}"
                    yield "dead_part", f"{said}, so this alternative does nothing; correct it, or leave it out"
                else:
                    yield from parts(inner, calls)


def _values(leaf: Leaf, calls: Calls) -> Iterator[tuple[str, str]]:
    if leaf.operator in POINTS and isinstance(leaf.value, tuple):
        dead = [value for value in scalars(leaf) if not any(_admits(tool, leaf, value) for tool in calls.tools)]
        if dead:
            said = f"`{leaf.argument}` of {calls} can never be {listed(map(_written, dead))}"
            yield "dead_part", f"{said}; correct the list, or shorten it"


def _admits(tool: Tool, leaf: Leaf, value: Scalar) -> bool:
    """Return whether the argument, or an item of the list, can be a value; how a decimal is written is not known."""
    domain = tool.domain(leaf.path)
    if isinstance(value, Typed) or (leaf.quantifier and domain.items is None):
        return True
    values = domain.items if leaf.quantifier and domain.items else domain
    return values.admits(value) or value in domain.singles


def _written(value: Scalar) -> str:
    return sentences.value(value.text if isinstance(value, Typed) else value)
