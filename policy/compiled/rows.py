"""A condition as rows: it holds where all leaves of at least one row do. So that every row can be one bit."""

from itertools import chain, product
from typing import NamedTuple, TypeAlias

from policy.conditions import AllOf, AnyOf, Condition, Not
from policy.leaves import Leaf

MAX_ROWS = 32


class Literal(NamedTuple):
    """A leaf, or its opposite."""

    leaf: Leaf
    is_negated: bool


Row: TypeAlias = tuple[Literal, ...]


def rows(condition: Condition) -> tuple[Row, ...] | None:
    """Return the rows of a condition, every leaf in at least one of them; None where they would be more than MAX_ROWS.

    Every leaf must stand somewhere: one that cannot be judged denies, whatever the others say.
    """
    if isinstance(condition, AllOf):
        plain = tuple(Literal(part, False) for part in condition.parts if isinstance(part, Leaf))
        if len(plain) == len(condition.parts):  # as most are
            return (plain,)
    return _rows(condition, is_negated=False)


def _rows(condition: Condition, *, is_negated: bool) -> tuple[Row, ...] | None:
    match condition:
        case Leaf():
            return ((Literal(condition, is_negated),),)
        case Not(part):
            return _rows(part, is_negated=not is_negated)
        case AllOf(parts) | AnyOf(parts):
            found = [_rows(part, is_negated=is_negated) for part in parts]
            # By De Morgan: that not all hold is that one does not.
            is_joint = isinstance(condition, AllOf) is not is_negated
            return _crossed(found) if is_joint else _listed(found)


def _listed(found: list[tuple[Row, ...] | None]) -> tuple[Row, ...] | None:
    listed: list[Row] = []
    for one in found:
        if one is None or len(listed) + len(one) > MAX_ROWS:
            return None
        listed += one
    return tuple(listed)


def _crossed(found: list[tuple[Row, ...] | None]) -> tuple[Row, ...] | None:
    count = 1
    for one in found:
        if one is None or (count := count * len(one)) > MAX_ROWS:
            return None
    return tuple(tuple(chain(*parts)) for parts in product(*(one for one in found if one is not None)))
