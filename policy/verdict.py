"""Policy's answer to a proposal, with the rules and reasons that made it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Outcome(StrEnum):
    """What a verdict says; `preauthorized` is set by the policy check, never by the rules alone."""

    DENIED = "denied"
    NEEDS_APPROVAL = "needs_approval"
    PREAUTHORIZED = "preauthorized"


@dataclass(frozen=True, slots=True)
class Requirement:
    """`count` different people, each a member of at least one of `groups`."""

    count: int
    groups: frozenset[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the requirement as JSON, groups sorted."""
        return {"count": self.count, "groups": sorted(self.groups)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Requirement":
        """Return the requirement that `as_dict` wrote."""
        return cls(count=data["count"], groups=frozenset(data["groups"]))


@dataclass(frozen=True, slots=True)
class Escalation:
    """Members of `groups` may fill any requirement too, once `after_minutes` of the time have passed."""

    after_minutes: int
    groups: frozenset[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the escalation as JSON, groups sorted."""
        return {"after_minutes": self.after_minutes, "groups": sorted(self.groups)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Escalation":
        """Return the escalation that `as_dict` wrote."""
        return cls(after_minutes=data["after_minutes"], groups=frozenset(data["groups"]))


class Reason(NamedTuple):
    """Why the verdict is what it is.

    rule    the rule's name, empty where no rule stands behind it
    effect  deny, review, error or none
    code    for programs: rule_denies, rule_asks_review, rule_unjudged, no_rule_matched, ...
    """

    rule: str
    sentence: str
    effect: str
    code: str

    def as_dict(self) -> dict[str, str]:
        """Return the reason as JSON."""
        return {"rule": self.rule, "sentence": self.sentence, "effect": self.effect, "code": self.code}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome; what people must do before the call may run, if it may at all.

    matched          names of every rule that matched, denying ones included, sorted
    open_minutes     how long the request stays open; 0 where it is denied
    sign_in_minutes  how recent an approver's sign-in must be; None asks nothing
    preauthorization whether a pre-authorisation may stand in
    reminders        whether approvers are reminded when half and nine tenths of the time have passed
    escalation       who else may approve later; None: nobody. Always before the request closes
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    matched: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    open_minutes: int = 0
    sign_in_minutes: int | None = None
    allow_self: bool = False
    preauthorization: bool = False
    reminders: bool = True
    escalation: Escalation | None = None

    @classmethod
    def denied(cls, reasons: Iterable[Reason], matched: Iterable[str] = ()) -> "Verdict":
        """Return a denial; it asks nobody for anything."""
        return cls(Outcome.DENIED, tuple(reasons), tuple(matched))

    def escalated(self) -> tuple[Requirement, ...]:
        """Return the requirements as they stand after the escalation: each with its groups added.

        One for one and in the same order, equal ones too. 1 of {a} and 1 of {b} that both become 1 of {a, b, m} still
        ask two people, since a person fills at most one; merged to the larger count they would ask one. An escalation
        widens who may answer and never lowers how many must, so nobody may keep these in a set either.
        """
        added = self.escalation.groups if self.escalation else frozenset[str]()
        return tuple(Requirement(one.count, one.groups | added) for one in self.requirements)

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON, whole: `from_dict` gives it back equal."""
        return {
            "outcome": self.outcome.value,
            "reasons": [reason.as_dict() for reason in self.reasons],
            "matched": list(self.matched),
            "requirements": [requirement.as_dict() for requirement in self.requirements],
            "open_minutes": self.open_minutes,
            "sign_in_minutes": self.sign_in_minutes,
            "allow_self": self.allow_self,
            "preauthorization": self.preauthorization,
            "reminders": self.reminders,
            "escalation": self.escalation.as_dict() if self.escalation else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Verdict":
        """Return the verdict that `as_dict` wrote, also before there were reminders and escalations.

        A field too many raises.
        """
        escalation = data.get("escalation")
        nested = {
            "outcome": Outcome(data["outcome"]),
            "reasons": tuple(Reason(**reason) for reason in data["reasons"]),
            "matched": tuple(data["matched"]),
            "requirements": tuple(Requirement.from_dict(item) for item in data["requirements"]),
            "escalation": Escalation.from_dict(escalation) if escalation else None,
        }
        return cls(**{**data, **nested})
