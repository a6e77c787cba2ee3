"""What the rules say of a call, before anybody asks why."""

from typing import Protocol

from policy.rules import Rule
from policy.verdict import Outcome


class Rows(Protocol):
    """What knows which rule a bit is of.

    denying   the bits of rules that deny
    """

    denying: int

    def named(self, found: int) -> list[Rule]:
        """Return the rules that the bits are of, each once."""


class Decision(tuple[Outcome, Rows, int, int]):
    """The outcome, and as bits the rules behind it; names are made when they are asked for.

    A tuple of outcome, rows, the rows that match, and the rows that cannot be judged: it is made for each call, and
    nothing is made faster.
    """

    __slots__ = ()

    @property
    def outcome(self) -> Outcome:
        """Denied or needs_approval; a rule that cannot be judged denies."""
        return self[0]

    @property
    def rule(self) -> str:
        """The name of the rule that decided, the first where several do; "" where none did."""
        _, rows, hits, failures = self
        deciding = hits & rows.denying or failures or hits
        return rows.named(deciding & -deciding)[0].name if deciding else ""

    @property
    def matched(self) -> tuple[str, ...]:
        """The names of all rules that match, denying ones first."""
        return tuple(rule.name for rule in self.matching)

    @property
    def matching(self) -> list[Rule]:
        """All rules that match, denying ones first."""
        return self[1].named(self[2])

    @property
    def unjudged(self) -> list[Rule]:
        """All rules that look at the call and cannot be judged."""
        return self[1].named(self[3])
