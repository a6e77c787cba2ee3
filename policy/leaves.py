"""One condition on one argument, and what it saw."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from audit.canonical import JSON
from policy.arguments import MISSING, Seen, look_up
from policy.errors import CostError, UnjudgedError
from policy.operators import OPERATORS
from policy.operators.kinds import Value, describe
from policy.operators.prepare import Test
from policy.proposal import Proposal

Quantifier: TypeAlias = Literal["any_of", "all_of", "none_of"]
IfMissing: TypeAlias = Literal["match", "no_match"]
QUANTIFIERS: dict[str, Callable[[Iterable[bool]], bool]] = {
    "any_of": any,
    "all_of": all,
    "none_of": lambda results: not any(results),
}
MAX_STEPS = 250_000
CHARACTERS_A_STEP = 64


class Facts:
    """The arguments of one call, as conditions see them, with a meter that ends what costs too much.

    A step is one test of one value, and one more for every 64 characters it reads.
    """

    __slots__ = ("_arguments", "_defaults", "_sensitive", "_steps")

    def __init__(self, arguments: Mapping[str, JSON], defaults: Mapping[str, JSON], sensitive: frozenset[str]) -> None:
        self._arguments = arguments
        self._defaults = defaults
        self._sensitive = sensitive
        self._steps = 0

    @classmethod
    def of(cls, proposal: Proposal) -> "Facts":
        """Return the arguments of a proposal, its meter at zero."""
        return cls(proposal.arguments, proposal.shape.defaults, proposal.shape.sensitive)

    def value(self, path: tuple[str, ...]) -> Seen:
        """Return the value at a path; raises UnjudgedError as `look_up` does."""
        return look_up(path, self._arguments, self._defaults)

    def spend(self, value: Seen) -> None:
        """Pay for testing a value; raises CostError above the ceiling."""
        self._steps += 1 + (len(value) // CHARACTERS_A_STEP if isinstance(value, str) else 0)
        if self._steps > MAX_STEPS:
            raise CostError(ceiling=MAX_STEPS)

    def hides(self, argument: str) -> bool:
        """Return whether an argument's value may not be shown: it, what holds it or what it holds is sensitive."""
        return bool(self._sensitive) and any(
            f"{argument}.".startswith(f"{name}.") or name.startswith(f"{argument}.") for name in self._sensitive
        )


class Observation(NamedTuple):
    """One leaf as it was judged: the value it saw, or MISSING, and whether it held.

    hidden  the value is sensitive, and not in `seen`
    """

    leaf: "Leaf"
    seen: Seen
    held: bool
    hidden: bool


@dataclass(frozen=True, slots=True)
class Leaf:
    """One argument, one operator, one value.

    argument    dotted path into the arguments
    quantifier  how many items of a list must pass; without one, the value itself is tested
    if_missing  the answer where there is no value: absent without a default, null, or a list without items
                under a quantifier. None: the condition does not speak of it, and the call cannot be judged
    """

    argument: str
    operator: str
    value: Value
    quantifier: Quantifier | None
    if_missing: IfMissing | None
    path: tuple[str, ...] = field(compare=False, repr=False)
    test: Test = field(compare=False, repr=False)
    types: frozenset[str] = field(compare=False, repr=False)
    sign: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # What leaves of one argument that judge alike have in common. As a text: True, 1 and 1.0 are equal.
        object.__setattr__(self, "sign", repr((self.operator, self.value, self.quantifier, self.if_missing)))

    def observe(self, facts: Facts) -> Observation:
        """Return what the leaf saw and whether it held; raises UnjudgedError naming the argument."""
        try:
            seen = facts.value(self.path)
            held = self.holds(seen, facts)
        except UnjudgedError as exc:
            raise UnjudgedError(problem=f"`{self.argument}` {exc.problem}") from None
        hidden = seen is not MISSING and facts.hides(self.argument)
        return Observation(self, None if hidden else seen, held, hidden)

    def holds(self, seen: Seen, facts: Facts) -> bool:
        """Return whether a value passes; raises UnjudgedError where that cannot be said, CostError where it is dear."""
        if not OPERATORS[self.operator].judges_absence and (seen is MISSING or (self.quantifier and seen == [])):
            return self._where_missing()
        if self.quantifier is None:
            facts.spend(seen)
            return self.test(seen)
        return QUANTIFIERS[self.quantifier](self._each(seen, facts))

    def _where_missing(self) -> bool:
        if self.if_missing is None:
            raise UnjudgedError(problem="has no value, and the condition does not say what that means (if_missing)")
        return self.if_missing == "match"

    def _each(self, seen: Seen, facts: Facts) -> list[bool]:
        """Return the result for every item, all of them: an item that cannot be judged is never skipped."""
        if not isinstance(seen, list):
            raise UnjudgedError(problem=f"is {describe(seen)}, not a list")
        return [self._item(position, item, facts) for position, item in enumerate(seen)]

    def _item(self, position: int, item: JSON, facts: Facts) -> bool:
        facts.spend(item)
        try:
            return self.test(item)
        except UnjudgedError as exc:
            raise UnjudgedError(problem=f"has an item (number {position + 1}) that {exc.problem}") from None
