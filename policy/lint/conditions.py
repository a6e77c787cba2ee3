"""Conditions that hold for every call, for none, or that leave open what a missing argument means."""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from policy import sentences
from policy.arguments import MISSING
from policy.conditions import AllOf, Condition, leaves
from policy.fitting import Finding
from policy.lint import vain
from policy.lint.calls import Calls, listed
from policy.lint.judging import silent_about
from policy.lint.reach import Reach
from policy.rules import Deny, Rule

MAX_PAIRS = 100  # fifty conditions make 1225 pairs, and the rule is found out already: this only says it better


def of_rule(rule: Rule, reach: Reach) -> list[Finding]:
    """Return the warnings about one rule's conditions, over the tools that it looks at."""
    calls = Calls(reach.unlike(rule, rule), rule.match.tools)
    found = [("never_matches", problem) for problem in _never(rule, calls)]
    if not found:
        for part in rule.when.parts:
            found += list(_needless(part, calls)) or list(vain.parts(part, calls))
        found += _unspoken(rule, calls)
    return [Finding(code, f"rule {rule.name}", problem, is_error=False) for code, problem in dict.fromkeys(found)]


def _never(rule: Rule, calls: Calls) -> Iterator[str]:
    effect = "denies nothing" if isinstance(rule.effect, Deny) else "never asks anybody"
    if not calls.tools:
        yield f"it {effect}: no tool of {calls} has all the arguments that it names; make a rule for each"
    elif why := _why_never(rule.when.parts, calls):
        yield f"it {effect}: {why}"


def _why_never(parts: Sequence[Condition], calls: Calls) -> str:
    """Return the part that no call can meet, or the two that exclude each other, or that all do; "" for none of it."""
    for part in parts:
        if calls.none_meets(part):
            return f"no call of {calls} can be such that {sentences.condition(part)}; correct the condition"
    if not calls.none_meets(*parts):
        return ""
    for one, other in islice(combinations(parts, 2), MAX_PAIRS):
        if calls.none_meets(one, other):
            said = f"{sentences.condition(one)} and {sentences.condition(other)}"
            return f"{said} exclude each other; put them under any, or make two rules"
    return f"its conditions together hold for no call of {calls}; correct one of them, or make several rules"


def _needless(part: Condition, calls: Calls) -> Iterator[tuple[str, str]]:
    """Yield the largest groups, or single conditions, that every call meets."""
    if calls.all_meet(part):
        said = f"{sentences.condition(part)} in every call of {calls} that its schema lets through"
        yield "always_true", f"{said}; leave the condition out, or write the one that was meant"
    elif isinstance(part, AllOf):
        for inner in part.parts:
            yield from _needless(inner, calls)


def _unspoken(rule: Rule, calls: Calls) -> Iterator[tuple[str, str]]:
    """Yield the arguments that a call may leave out while a condition wants to judge them: such calls are denied."""
    for leaf in leaves(rule.when):
        silent = [(tool.name, seen) for tool in calls.tools if (seen := silent_about(leaf, tool)) is not None]
        if silent:
            state = "may be left out, or null," if silent[0][1] is MISSING else "may be an empty list"
            said = f"`{leaf.argument}` {state} in a call of {listed(name for name, _ in silent)}"
            meant = "say what it means: if_missing: match, or if_missing: no_match"
            yield "absence_unspoken", f"{said}, which then cannot be judged and is denied; {meant}"
