"""What certainly follows from conditions on the calls that a tool's schema lets through; what is undecided is no."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from policy.conditions import AllOf, AnyOf, Condition, Not, leaves
from policy.leaves import Leaf
from policy.lint.domains import Tool
from policy.lint.facts import Fact
from policy.lint.judging import always_judged
from policy.lint.values import possible
from policy.rules import Rule

MAX_TRIED = 50  # alternatives multiply; when so many were tried the answer is "cannot say", and lint is silent

Path: TypeAlias = tuple[str, ...]
Wanted: TypeAlias = tuple[Condition, bool | None]
Known: TypeAlias = Mapping[Path, Sequence[Fact]]


def never_holds(tool: Tool, conditions: Sequence[Condition]) -> bool:
    """Return True where no call of the tool certainly meets all the conditions at once."""
    return not _Search(tool).can_be([*((condition, True) for condition in conditions), *_judged(conditions)], {})


def always_holds(tool: Tool, condition: Condition) -> bool:
    """Return True where every call of the tool certainly meets the condition, judged without fail."""
    judged = all(always_judged(leaf, tool.domain(leaf.path)) for leaf in leaves(condition))
    return judged and not _Search(tool).can_be([(condition, False)], {})


def implies(tool: Tool, rule: Rule, other: Rule) -> bool:
    """Return True where certainly no call of the tool meets `rule` and fails to meet `other`, both of them judged."""
    wanted = [(rule.when, True), (other.when, False), *_judged([rule.when, other.when])]
    return not _Search(tool).can_be(wanted, {})


def _judged(conditions: Iterable[Condition]) -> list[Wanted]:
    """Return that every leaf is judged: one that cannot be leaves the whole rule without an answer."""
    return [(leaf, None) for condition in conditions for leaf in leaves(condition)]


class _Search:
    """Looks for a way in which conditions can be met; each alternative is a branch."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool
        self._left = MAX_TRIED

    def can_be(self, wanted: Iterable[Wanted], known: Known) -> bool:
        """Return False where the conditions certainly cannot be as wanted, beside what is known and possible."""
        self._left -= 1
        found, alternatives = _unfolded(wanted)
        known = {**known, **{path: (*known.get(path, ()), *facts) for path, facts in found.items()}}
        if not all(possible(self._tool.domain(path), known[path]) for path in found):
            return False
        if not alternatives or self._left < 0:
            return True
        (first, held), *others = alternatives
        return any(self.can_be([(part, held), *others], known) for part in first.parts)


def _unfolded(wanted: Iterable[Wanted]) -> tuple[dict[Path, list[Fact]], list[tuple[AllOf | AnyOf, bool]]]:
    """Return what the conditions say of each argument, and the groups of which they leave open what is met."""
    found: dict[Path, list[Fact]] = {}
    alternatives = []
    waiting, settled = deque(wanted), set()
    while waiting:
        condition, held = waiting.popleft()
        if isinstance(condition, Leaf):
            if held is not None or id(condition) not in settled:  # one that held was judged
                found.setdefault(condition.path, []).append(Fact(condition, held))
            settled.add(id(condition))
        elif isinstance(condition, Not):
            waiting.appendleft((condition.part, not held))
        elif held is not None and isinstance(condition, AllOf) is held:
            waiting.extendleft((part, held) for part in reversed(condition.parts))
        elif held is not None:
            alternatives.append((condition, held))
    return found, alternatives
