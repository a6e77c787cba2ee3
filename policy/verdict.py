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
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    matched: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    open_minutes: int = 0
    sign_in_minutes: int | None = None
    allow_self: bool = False
    preauthorization: bool = False

    @classmethod
    def denied(cls, reasons: Iterable[Reason], matched: Iterable[str] = ()) -> "Verdict":
        """Return a denial; it asks nobody for anything."""
        return cls(Outcome.DENIED, tuple(reasons), tuple(matched))

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
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Verdict":
        """Return the verdict that `as_dict` wrote; a field too many or too few raises."""
        nested = {
            "outcome": Outcome(data["outcome"]),
            "reasons": tuple(Reason(**reason) for reason in data["reasons"]),
            "matched": tuple(data["matched"]),
            "requirements": tuple(Requirement.from_dict(item) for item in data["requirements"]),
        }
        return cls(**{**data, **nested})
