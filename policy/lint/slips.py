"""Slips of a tired hand that any schema lets through: a pattern that is none, a star that stands for itself,
an escalation to those who are asked anyway.
"""

import re
from collections.abc import Iterator

from policy import sentences
from policy.conditions import leaves
from policy.fitting import Finding
from policy.leaves import Leaf
from policy.lint.facts import scalars
from policy.rules import Deny, Review, Rule

PLAIN = re.compile(r"\^?(?:[^\\^$.|?*+()\[{]|\\[^A-Za-z0-9])*\$?")
# Where a star can only have been meant as "anything": elsewhere it may well be a letter of the value.
STARS = {
    "starts_with": re.compile(r".*\*", re.DOTALL),
    "ends_with": re.compile(r"\*.*", re.DOTALL),
    "path_inside": re.compile(r".*\*.*", re.DOTALL),
    **dict.fromkeys(("equals", "not_equals", "in", "not_in"), re.compile(r"\*@\S+|\S+/\*")),
}


def of_rule(rule: Rule) -> list[Finding]:
    """Return the warnings about what looks like something it is not."""
    found = (finding for leaf in leaves(rule.when) for finding in _of_leaf(leaf))
    said = dict.fromkeys((*found, *_of_effect(rule.effect)))
    return [Finding(code, f"rule {rule.name}", problem, is_error=False) for code, problem in said]


def _of_effect(effect: Deny | Review) -> Iterator[tuple[str, str]]:
    if isinstance(effect, Deny) or effect.escalate is None:
        return
    groups = effect.escalate.groups
    if all(groups <= one.groups for one in effect.requirements):
        asked = f"members of {' or '.join(sorted(groups))} are asked from the beginning"
        yield "idle_escalation", f"{asked}, so its escalation changes nothing; name other groups, or leave it out"


def _of_leaf(leaf: Leaf) -> Iterator[tuple[str, str]]:
    said = sentences.condition(leaf)
    if leaf.operator == "matches" and PLAIN.fullmatch(str(leaf.value)):
        yield (
            "plain_pattern",
            f"{said}: a pattern must match the whole text, so this is one text; use contains or equals",
        )
    form = STARS.get(leaf.operator)
    if form and any(isinstance(value, str) and form.fullmatch(value) for value in scalars(leaf)):
        meant = "starts_with, ends_with, path_inside or email_domain_in without it"
        yield "star_in_value", f"{said}: here the star stands for itself, not for anything; say {meant}"
