"""What a chain of reasoning takes for true of one value: that tests held, did not hold, or were judged at all."""

from dataclasses import dataclass

from policy.arguments import Seen
from policy.errors import PolicyError
from policy.leaves import Facts, Leaf
from policy.operators import OPERATORS
from policy.operators.kinds import Scalar, kind_of

POINTS = {"equals": True, "in": True, "not_equals": False, "not_in": False}
NOWHERE = Facts({}, {}, frozenset())


@dataclass(frozen=True, slots=True)
class Fact:
    """A leaf held, or did not; None: it was judged, one way or the other."""

    leaf: Leaf
    held: bool | None

    def allows(self, seen: Seen) -> bool:
        """Return whether the argument can be this value, or have none."""
        try:
            said = self.leaf.holds(seen, NOWHERE)
        except PolicyError:
            return False
        return self.held is None or said is self.held

    def allows_item(self, item: Seen) -> bool:
        """Return whether an item of the list can be this one; the argument itself, where the leaf has no quantifier."""
        try:
            said = self.leaf.test(item)
        except PolicyError:
            return False
        return self.held is None or said is self.held

    @property
    def names_values(self) -> bool:
        """Whether only the values that the leaf lists are left: `equals`, `in`, or `not_in` that does not hold."""
        return self.leaf.operator in POINTS and POINTS[self.leaf.operator] is self.held

    @property
    def excludes_values(self) -> bool:
        """Whether exactly the values that the leaf lists are ruled out."""
        return self.leaf.operator in POINTS and POINTS[self.leaf.operator] is (not self.held) and self.held is not None


def speaks_of_absence(leaf: Leaf) -> bool:
    """Return whether the leaf is is_present or is_absent."""
    return OPERATORS[leaf.operator].judges_absence


def scalars(leaf: Leaf) -> tuple[Scalar, ...]:
    """Return the values that a comparison compares with."""
    if leaf.value is None:
        return ()
    return leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)


def kind(leaf: Leaf) -> str:
    """Return the kind of value that a comparison reads, "" for other operators."""
    ordered = ("at_least", "at_most", "greater_than", "less_than")
    return kind_of(scalars(leaf)[0]) if leaf.operator in (*POINTS, *ordered) else ""
