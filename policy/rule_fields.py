"""Rules in and out of documents."""

import re

from audit.canonical import JSON
from policy import conditions
from policy.reading import Path, boolean, integer, mapping, sequence, text, texts, wrong
from policy.rules import Deny, Match, Review, Rule
from policy.verdict import Escalation, Requirement

NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
TOOL = re.compile(r"(?!.*__)(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)")
AGENT = re.compile(r"[^\s*]([^*]*[^\s*])?\*?")
LABEL = re.compile(r"\S(.*\S)?")
MAX_NAME, MAX_MESSAGE, MAX_ENTRIES = 64, 2_000, 100
MAX_COUNT, MAX_MINUTES, OPEN_MINUTES = 20, 60 * 24 * 30, 60 * 24
MATCH_HINTS = {
    "tools": (TOOL, "must be a tool's name, a beginning like payments.* (the star last, after a dot), or *"),
    "agents": (AGENT, "must be an agent's name, with a star at the end at most"),
    "environments": (LABEL, "must be an environment's name, without spaces around it"),
    "requester_groups": (LABEL, "must be a group's name, without spaces around it"),
}


def parse(raw: JSON, path: Path) -> Rule:
    """Return one rule; raises FieldError."""
    fields = mapping(raw, path, ("name", "match"), ("description", "when", "deny", "review"))
    if ("deny" in fields) == ("review" in fields):
        raise wrong(path, "must have exactly one of deny and review")
    hint = "must be small letters, digits and single - _ . between them"
    return Rule(
        name=text(fields["name"], (*path, "name"), most=MAX_NAME, pattern=NAME, hint=hint),
        match=_match(fields["match"], (*path, "match")),
        effect=_effect(fields, path),
        when=conditions.parse(fields.get("when", []), (*path, "when")),
        description=_description(fields, path),
    )


def to_value(rule: Rule) -> dict[str, JSON]:
    """Return the rule as `parse` reads it, defaults written out."""
    fields: dict[str, JSON] = {"name": rule.name}
    if rule.description:
        fields["description"] = rule.description
    fields["match"] = {name: list(getattr(rule.match, name)) for name in MATCH_HINTS if getattr(rule.match, name)}
    if rule.when.parts:
        fields["when"] = conditions.to_value(rule.when)
    if isinstance(rule.effect, Deny):
        return {**fields, "deny": {"message": rule.effect.message}}
    return {**fields, "review": _review_value(rule.effect)}


def requirements(raw: JSON, path: Path) -> tuple[Requirement, ...]:
    """Return a list of requirements, each with other groups than the rest."""
    entries = sequence(raw, path, least=1, most=MAX_ENTRIES)
    found = tuple(_requirement(entry, (*path, position)) for position, entry in enumerate(entries))
    for position, requirement in enumerate(found):
        if any(requirement.groups == earlier.groups for earlier in found[:position]):
            raise wrong((*path, position, "groups"), "are those of an earlier requirement; merge the two")
    return found


def _match(raw: JSON, path: Path) -> Match:
    fields = mapping(raw, path, ("tools",), MATCH_HINTS)
    return Match(**{name: _names(value, (*path, name), name) for name, value in fields.items()})


def _effect(fields: dict[str, JSON], path: Path) -> Deny | Review:
    if "review" in fields:
        return _review(fields["review"], (*path, "review"))
    deny = mapping(fields["deny"], (*path, "deny"), ("message",))
    return Deny(text(deny["message"], (*path, "deny", "message"), most=MAX_MESSAGE))


def _review(raw: JSON, path: Path) -> Review:
    optional = ("preauthorization", "open_minutes", "sign_in_minutes", "allow_self", "reminders", "escalate")
    fields = mapping(raw, path, ("requirements",), optional)
    sign_in, escalate = fields.get("sign_in_minutes"), fields.get("escalate")
    open_minutes = _minutes(fields.get("open_minutes", OPEN_MINUTES), (*path, "open_minutes"))
    return Review(
        requirements=requirements(fields["requirements"], (*path, "requirements")),
        preauthorization=boolean(fields.get("preauthorization", False), (*path, "preauthorization")),
        open_minutes=open_minutes,
        sign_in_minutes=None if sign_in is None else _minutes(sign_in, (*path, "sign_in_minutes")),
        allow_self=boolean(fields.get("allow_self", False), (*path, "allow_self")),
        reminders=boolean(fields.get("reminders", True), (*path, "reminders")),
        escalate=None if escalate is None else _escalation(escalate, (*path, "escalate"), open_minutes),
    )


def _escalation(raw: JSON, path: Path, open_minutes: int) -> Escalation:
    fields = mapping(raw, path, ("after_minutes", "groups"))
    after_minutes = _minutes(fields["after_minutes"], (*path, "after_minutes"))
    if after_minutes >= open_minutes:
        raise wrong((*path, "after_minutes"), f"must be less than open_minutes, which is {open_minutes}")
    return Escalation(after_minutes, frozenset(_names(fields["groups"], (*path, "groups"), "requester_groups")))


def _requirement(raw: JSON, path: Path) -> Requirement:
    fields = mapping(raw, path, ("count", "groups"))
    groups = _names(fields["groups"], (*path, "groups"), "requester_groups")
    return Requirement(integer(fields["count"], (*path, "count"), least=1, most=MAX_COUNT), frozenset(groups))


def _names(raw: JSON, path: Path, field: str) -> tuple[str, ...]:
    pattern, hint = MATCH_HINTS[field]
    return texts(raw, path, least=1, most=MAX_ENTRIES, pattern=pattern, hint=hint)


def _minutes(raw: JSON, path: Path) -> int:
    return integer(raw, path, least=1, most=MAX_MINUTES)


def _description(fields: dict[str, JSON], path: Path) -> str:
    return text(fields["description"], (*path, "description"), most=MAX_MESSAGE) if "description" in fields else ""


def _review_value(review: Review) -> dict[str, JSON]:
    return {
        "requirements": [requirement.as_dict() for requirement in review.requirements],
        "preauthorization": review.preauthorization,
        "open_minutes": review.open_minutes,
        "sign_in_minutes": review.sign_in_minutes,
        "allow_self": review.allow_self,
        "reminders": review.reminders,
        "escalate": review.escalate.as_dict() if review.escalate else None,
    }
