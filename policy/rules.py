"""Rules: what they match, under which conditions, and what they ask. There is no `allow`: somebody always answers."""

from collections.abc import Iterator
from dataclasses import dataclass

from policy.conditions import ALWAYS, AllOf, leaves
from policy.proposal import ToolShape
from policy.verdict import Escalation, Requirement


@dataclass(frozen=True, slots=True)
class Match:
    """Which proposals a rule looks at. An empty field asks nothing; a filled one wants at least one of its entries.

    tools             exact names, `payments.*` for everything below payments, or `*`
    agents            exact names, or `support-*` for a beginning
    environments      exact names
    requester_groups  groups, of which the requester is in at least one
    """

    tools: tuple[str, ...]
    agents: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    requester_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deny:
    """The call is denied; the message tells people and the agent why."""

    message: str


@dataclass(frozen=True, slots=True)
class Review:
    """People must approve.

    requirements     how many of which groups; all must be met
    preauthorization whether a pre-authorisation may stand in for asking
    open_minutes     how long the request stays open
    sign_in_minutes  how recent an approver's sign-in must be; None asks nothing
    allow_self       whether the requester may approve as well; every such decision is flagged
    reminders        whether approvers are reminded when half and nine tenths of the time have passed
    escalate         who else may approve later, and when: before `open_minutes`
    """

    requirements: tuple[Requirement, ...]
    preauthorization: bool
    open_minutes: int
    sign_in_minutes: int | None
    allow_self: bool
    reminders: bool = True
    escalate: Escalation | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A named match with conditions and an effect."""

    name: str
    match: Match
    effect: Deny | Review
    when: AllOf = ALWAYS
    description: str = ""

    def covers(self, shape: ToolShape) -> bool:
        """Return whether the rule looks at calls of a tool at all.

        A rule that names its tool always does; one that reaches it by a pattern only where the tool has the arguments.
        """
        if not any(fits(shape.tool, tool) for tool in self.match.tools):
            return False
        if shape.tool in self.match.tools or shape.argument_names is None:
            return True
        return shape.argument_names.issuperset(self.argument_names())

    def argument_names(self) -> Iterator[str]:
        """Yield the top-level arguments that the conditions name."""
        return (leaf.path[0] for leaf in leaves(self.when))


def fits(name: str, pattern: str) -> bool:
    """Return whether a name is the pattern, or begins as a pattern that ends in a star says."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
