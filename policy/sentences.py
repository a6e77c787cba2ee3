"""Conditions, rules and verdicts as plain English, for approvers and auditors.

What agents wrote stands in quotes, bounded in length, with what the eye cannot see marked; templates inside it
are text like any other.
"""

import json
from collections.abc import Iterable
from functools import lru_cache

from audit.canonical import JSON
from policy.arguments import MISSING, Seen
from policy.conditions import AllOf, AnyOf, Condition, Not
from policy.leaves import Leaf, Observation
from policy.operators import OPERATORS
from policy.operators.kinds import Scalar, Typed, Value
from policy.proposal import Proposal
from policy.reveal import reveal
from policy.rules import Deny, Match, Review, Rule
from policy.verdict import Escalation, Outcome, Requirement, Verdict

MOST, MOST_ITEMS = 120, 5
MAX_REMEMBERED = 4_000
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_SUBJECTS = {  # (quantifier, whether it held) to the subject and whether the operator's words are the holding ones
    (None, True): ("{}", True),
    (None, False): ("{}", False),
    ("any_of", True): ("at least one item of {}", True),
    ("any_of", False): ("no item of {}", True),
    ("all_of", True): ("every item of {}", True),
    ("all_of", False): ("not every item of {}", True),
    ("none_of", True): ("no item of {}", True),
    ("none_of", False): ("at least one item of {}", True),
}


def condition(part: Condition, *, holds: bool = True) -> str:
    """Return what a condition asks, or that it does not hold."""
    match part:
        case Leaf():
            return _leaf(part, holds=holds)
        case Not(inner):
            return condition(inner, holds=not holds)
        case AllOf(parts) | AnyOf(parts):
            # By De Morgan: that not all hold is that one does not.
            joint = " and " if isinstance(part, AllOf) is holds else " or "
            words = joint.join(condition(inner, holds=holds) for inner in parts)
            return f"({words})" if len(parts) > 1 else words


def rule(subject: Rule) -> str:
    """Return a whole rule as a sentence or three."""
    when = " and ".join(condition(part) for part in subject.when.parts)
    return f"When {_scope(subject.match)}{' and ' if when else ''}{when}: {_effect(subject.effect)}"


def verdict(subject: Verdict) -> str:
    """Return a verdict with all its reasons."""
    openings = {Outcome.DENIED: "Denied.", Outcome.PREAUTHORIZED: "Allowed by a pre-authorisation."}
    asked = f"Needs approval by {requirements(subject.requirements)}.{_later(subject.escalation)}"
    return " ".join((openings.get(subject.outcome, asked), *(reason.sentence for reason in subject.reasons)))


def requirements(subject: Iterable[Requirement]) -> str:
    """Return who must approve: `2 members of approver and 1 member of legal or finance`."""
    return " and ".join(f"{_people(one.count)} of {' or '.join(sorted(one.groups))}" for one in subject)


def because(observations: Iterable[Observation]) -> str:
    """Return the leaves that decided, each with the value it saw."""
    return " and ".join(_observation(one) for one in observations)


def asks(subject: Rule, observations: tuple[Observation, ...]) -> str:
    """Return why a rule asks for review."""
    return f"Rule {subject.name} asks for review: {because(observations) or 'it does for every such call'}."


def denies(subject: Rule, message: str, observations: tuple[Observation, ...]) -> str:
    """Return why a rule denies, its author's message first."""
    return f"{message} (Rule {subject.name} denies: {because(observations) or 'it does for every such call'}.)"


def unjudged(subject: Rule, problem: str) -> str:
    """Return why a rule that cannot be judged denies."""
    return f"Rule {subject.name} cannot be judged, so the call is denied: {problem}."


def unmatched(subject: Proposal) -> str:
    """Return that nobody wrote a rule for this call."""
    place = f"by agent {value(subject.agent)} in environment {value(subject.environment)}"
    return f"No rule matches this call of {value(subject.tool)} {place}, so it is denied."


def value(seen: Seen) -> str:
    """Return a value as JSON, cut to a bounded length, with what the eye cannot see written out."""
    if seen is MISSING:
        return "nothing"
    written = _ENCODER.encode(_cut(seen))
    return reveal(written if len(written) <= 2 * MOST else f"{written[: 2 * MOST]}…", one_line=True)


def _cut(seen: JSON) -> JSON:
    if isinstance(seen, str) and len(seen) > MOST:
        return f"{seen[:MOST]}… ({len(seen)} characters)"
    if isinstance(seen, list):
        rest: list[JSON] = [f"… ({len(seen)} items)"] if len(seen) > MOST_ITEMS else []
        return [_cut(item) for item in seen[:MOST_ITEMS]] + rest
    return f"an object of {len(seen)} fields" if isinstance(seen, dict) else seen


def _leaf(leaf: Leaf, *, holds: bool) -> str:
    return _in_words(leaf, leaf.sign, holds)


@lru_cache(MAX_REMEMBERED)
def _in_words(leaf: Leaf, sign: str, holds: bool) -> str:
    """Return what a leaf says; its sign tells leaves apart that are equal, such as `is 1` and `is true`."""
    subject, words_hold = _SUBJECTS[leaf.quantifier, holds]
    operator = OPERATORS[leaf.operator]
    words = operator.holds if words_hold else operator.fails
    object_ = "" if leaf.value is None else f" {_literal(leaf.value)}"
    return f"{subject.format(f'`{leaf.argument}`')} {words}{object_}"


def _observation(one: Observation) -> str:
    if OPERATORS[one.leaf.operator].judges_absence:
        return _leaf(one.leaf, holds=one.held)
    if one.hidden:
        return f"{_leaf(one.leaf, holds=one.held)} (its value is sensitive)"
    if one.seen is MISSING or (one.leaf.quantifier and one.seen == []):
        return f"`{one.leaf.argument}` has no value, which counts as {'a match' if one.held else 'no match'}"
    return f"{_leaf(one.leaf, holds=one.held)} (seen: {value(one.seen)})"


def _literal(literal: Value) -> str:
    if isinstance(literal, tuple):
        shown = ", ".join(_scalar(item) for item in literal[:MOST_ITEMS])
        return f"{shown} and {len(literal) - MOST_ITEMS} more" if len(literal) > MOST_ITEMS else shown
    return "" if literal is None else _scalar(literal)


def _scalar(literal: Scalar) -> str:
    return literal.text if isinstance(literal, Typed) else value(literal)


def _scope(match: Match) -> str:
    parts = (
        f"a call of {' or '.join(match.tools)}",
        f" by agent {' or '.join(match.agents)}" if match.agents else "",
        f" in environment {' or '.join(match.environments)}" if match.environments else "",
        f" is asked for by a member of {' or '.join(match.requester_groups)}"
        if match.requester_groups
        else " is proposed",
    )
    return "".join(parts)


def _effect(effect: Deny | Review) -> str:
    if isinstance(effect, Deny):
        return f"it is denied. {effect.message}"
    recent = f", having signed in within {_time(effect.sign_in_minutes)}" if effect.sign_in_minutes else ""
    parts = (
        f"{requirements(effect.requirements)} must approve within {_time(effect.open_minutes)}{recent}.",
        " A pre-authorisation may stand in." if effect.preauthorization else "",
        " The requester may approve too." if effect.allow_self else "",
        _later(effect.escalate),
        "" if effect.reminders else " Nobody is reminded.",
    )
    return "".join(parts)


def _later(escalation: Escalation | None) -> str:
    if escalation is None:
        return ""
    after = _time(escalation.after_minutes)
    return f" After {after} members of {' or '.join(sorted(escalation.groups))} may approve in their place."


def _people(count: int) -> str:
    return "1 member" if count == 1 else f"{count} members"


def _time(minutes: int) -> str:
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes % size == 0:
            return f"{minutes // size} {unit}{'s' if minutes > size else ''}"
    return f"{minutes} minute{'s' if minutes > 1 else ''}"
