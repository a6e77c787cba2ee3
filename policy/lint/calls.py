"""The calls that a rule looks at: what all of them meet, and what none of them can."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy.conditions import Condition
from policy.lint.domains import Tool
from policy.lint.reasoning import always_holds, never_holds

MAX_NAMES = 3


@dataclass(frozen=True, slots=True)
class Calls:
    """The tools of a rule. Only what is certain for each of them counts: what one of them needs is no mistake.

    tools  of those that the rule's conditions cannot tell apart, one
    names  the tools as the rule names them
    """

    tools: Sequence[Tool]
    names: Sequence[str]

    def __str__(self) -> str:
        return listed(self.names)

    def all_meet(self, condition: Condition) -> bool:
        """Return whether every call certainly meets the condition."""
        return all(always_holds(tool, condition) for tool in self.tools)

    def none_meets(self, *conditions: Condition) -> bool:
        """Return whether certainly no call meets all the conditions at once."""
        return all(never_holds(tool, conditions) for tool in self.tools)


def listed(words: Iterable[str]) -> str:
    """Return `a or b or c or 5 more`."""
    known = list(words)
    return " or ".join(known[:MAX_NAMES]) + (f" or {len(known) - MAX_NAMES} more" if len(known) > MAX_NAMES else "")
