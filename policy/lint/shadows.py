"""Rules that change no verdict, because another rule says as much or more to every call they look at."""

from collections.abc import Iterator, Sequence

from policy.conditions import leaves
from policy.fitting import Finding
from policy.lint.domains import Tool
from policy.lint.index import Index, weight
from policy.lint.judging import always_judged, errs_wherever
from policy.lint.reach import Reach, is_within
from policy.lint.reasoning import always_holds, implies
from policy.rules import Deny, Review, Rule
from policy.verdict import Escalation

# Every rule beside every other one is a hundred million comparisons in a policy of ten thousand. The index leaves few,
# the broadest rules first; of those every rule gets a share, counted in pairs of conditions. What is not compared is
# not reported: a missing warning costs less than a publisher who waits for minutes.
MAX_PAIRS = 120_000


def of_rules(rules: Sequence[Rule], reach: Reach) -> list[Finding]:
    """Return a warning for every rule without which no verdict changes; of two that are alike, for the later one."""
    index, order = Index(rules), {rule.name: position for position, rule in enumerate(rules)}
    share = MAX_PAIRS // max(1, len(rules))
    by: dict[str, Rule] = {}
    for rule in rules:
        for other in _shared_out(rule, index.broader(rule), share):
            if covers(other, rule, reach):
                is_alike = order[rule.name] < order[other.name] and covers(rule, other, reach)
                by.setdefault(*((other.name, rule) if is_alike else (rule.name, other)))
            if rule.name in by:
                break
    return [_finding(rule, by[rule.name]) for rule in rules if rule.name in by]


def _shared_out(rule: Rule, others: Iterator[Rule], share: int) -> Iterator[Rule]:
    """Yield rules until their conditions use up the share; the first one always."""
    for other in others:
        yield other
        share -= weight(rule) * weight(other)
        if share <= 0:
            return


def covers(broad: Rule, rule: Rule, reach: Reach) -> bool:
    """Return True where dropping `rule` certainly changes no verdict, as long as `broad` stays."""
    tools, others = reach.of(rule), reach.of(broad)
    return (
        is_within(rule.match, broad.match)
        and _is_as_strict(broad, rule)
        and (tools is others or set(tools) <= set(others))
        and all(_answers_for(broad, rule, tool) for tool in reach.unlike(rule, broad))
    )


def _is_as_strict(broad: Rule, rule: Rule) -> bool:
    if isinstance(broad.effect, Deny):
        return True
    return isinstance(rule.effect, Review) and _asks_as_much(broad.effect, rule.effect)


def _asks_as_much(broad: Review, review: Review) -> bool:
    """Return whether a request that satisfies the one satisfies the other on every point."""
    counts = {one.groups: one.count for one in broad.requirements}
    return (
        all(counts.get(one.groups, 0) >= one.count for one in review.requirements)
        and broad.open_minutes <= review.open_minutes
        and _signed_in_as_recently(broad.sign_in_minutes, review.sign_in_minutes)
        and broad.preauthorization <= review.preauthorization
        and broad.allow_self <= review.allow_self
        and broad.reminders >= review.reminders
        and _escalates_no_sooner(broad.escalate, review.escalate)
    )


def _signed_in_as_recently(minutes: int | None, others: int | None) -> bool:
    return others is None or (minutes is not None and minutes <= others)


def _escalates_no_sooner(escalation: Escalation | None, other: Escalation | None) -> bool:
    """Return whether the one comes no earlier than the other and to nobody else; one that never comes is the latest."""
    if escalation is None or other is None:
        return escalation is None
    return other.after_minutes <= escalation.after_minutes and escalation.groups <= other.groups


def _answers_for(broad: Rule, rule: Rule, tool: Tool) -> bool:
    """Return whether the broad rule matches where the rule does, and denies where the rule cannot be judged."""
    if isinstance(broad.effect, Deny) and (not broad.when.parts or always_holds(tool, broad.when)):
        return True
    others = list(leaves(broad.when))
    return implies(tool, rule, broad) and all(
        any(errs_wherever(other, leaf) for other in others) or always_judged(leaf, tool.domain(leaf.path))
        for leaf in leaves(rule.when)
    )


def _finding(rule: Rule, other: Rule) -> Finding:
    said = "denies every such call" if isinstance(other.effect, Deny) else "asks at least as much for every such call"
    problem = f"it changes no verdict, since rule {other.name} {said}; remove it, or narrow {other.name}"
    return Finding("shadowed", f"rule {rule.name}", problem, is_error=False)
