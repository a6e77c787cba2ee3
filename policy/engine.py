"""The verdict for a proposal: pure, closed by default, the same whatever the order of the rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from policy import sentences
from policy.conditions import Error, Held, NotHeld, answer
from policy.errors import CostError
from policy.leaves import Facts
from policy.proposal import Proposal
from policy.rules import Deny, Review, Rule
from policy.verdict import Outcome, Reason, Requirement, Verdict

_NOT_COVERED = NotHeld(())


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """Rules by the tools that they can apply to: under an exact name, or under what stands before a star."""

    exact: Mapping[str, tuple[Rule, ...]]
    patterns: Mapping[str, tuple[Rule, ...]]

    def candidates(self, tool: str) -> Iterator[Rule]:
        """Yield each rule once that names the tool or a pattern it fits."""
        ends = [0, *(position + 1 for position, letter in enumerate(tool) if letter == ".")]
        found = chain(self.exact.get(tool, ()), *(self.patterns.get(tool[:end], ()) for end in ends))
        return iter({id(rule): rule for rule in found}.values())


def compile_rules(rules: Iterable[Rule]) -> CompiledPolicy:
    """Return the rules ready to judge with; immutable, to be swapped whole when a version is published."""
    exact: dict[str, list[Rule]] = {}
    patterns: dict[str, list[Rule]] = {}
    for rule in rules:
        for tool in rule.match.tools:
            shelf = patterns if tool.endswith("*") else exact
            shelf.setdefault(tool.removesuffix("*"), []).append(rule)
    return CompiledPolicy(_frozen(exact), _frozen(patterns))


def evaluate(proposal: Proposal, policy: CompiledPolicy) -> Verdict:
    """Return the verdict of all rules that match: any deny denies, else every review combines, else denied.

    A rule that cannot be judged denies, and a fault of the engine denies: silence is never consent.
    """
    try:
        return _evaluate(proposal, policy)
    except Exception as exc:  # closed by default: a fault in here can only deny
        sentence = f"The policy could not be judged ({type(exc).__name__}), so the call is denied."
        return Verdict.denied([Reason("", sentence, "error", "policy_error")])


def _evaluate(proposal: Proposal, policy: CompiledPolicy) -> Verdict:
    facts = Facts(proposal.arguments, proposal.defaults, proposal.sensitive)
    against: list[Reason] = []
    reviews: list[tuple[Review, Reason]] = []
    matched: set[str] = set()
    for rule in policy.candidates(proposal.tool):
        said = answer(rule.when, facts) if rule.covers(proposal) else _NOT_COVERED
        if isinstance(said, Error) and said.code == CostError.code:
            return _too_expensive(said)
        if isinstance(said, Error):
            against.append(_unjudged(rule, said))
        elif isinstance(said, Held):
            matched.add(rule.name)
            if isinstance(rule.effect, Deny):
                against.append(_denial(rule, rule.effect, said))
            else:
                reviews.append((rule.effect, _request(rule, said)))
    if against:
        return Verdict.denied(_in_order(against), sorted(matched))
    return _combined(reviews, matched) if reviews else _unmatched(proposal)


def _combined(reviews: list[tuple[Review, Reason]], matched: set[str]) -> Verdict:
    """Return what satisfies every review at once: the most people, the shortest times, only what all of them allow."""
    effects = [effect for effect, _ in reviews]
    ages = [effect.sign_in_minutes for effect in effects if effect.sign_in_minutes is not None]
    return Verdict(
        outcome=Outcome.NEEDS_APPROVAL,
        reasons=_in_order(reason for _, reason in reviews),
        matched=tuple(sorted(matched)),
        requirements=_merged(chain.from_iterable(effect.requirements for effect in effects)),
        open_minutes=min(effect.open_minutes for effect in effects),
        sign_in_minutes=min(ages, default=None),
        allow_self=all(effect.allow_self for effect in effects),
        preauthorization=all(effect.preauthorization for effect in effects),
    )


def _merged(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    counts: dict[frozenset[str], int] = {}
    for one in requirements:
        counts[one.groups] = max(one.count, counts.get(one.groups, 0))
    return tuple(Requirement(counts[groups], groups) for groups in sorted(counts, key=sorted))


def _denial(rule: Rule, effect: Deny, said: Held) -> Reason:
    return Reason(rule.name, sentences.denies(rule, effect.message, said.because), "deny", "rule_denies")


def _request(rule: Rule, said: Held) -> Reason:
    return Reason(rule.name, sentences.asks(rule, said.because), "review", "rule_asks_review")


def _unjudged(rule: Rule, said: Error) -> Reason:
    return Reason(rule.name, sentences.unjudged(rule, said.problem), "error", "rule_unjudged")


def _too_expensive(said: Error) -> Verdict:
    """Return a denial that names no rule: which one stood at the ceiling depends on their order."""
    return Verdict.denied([Reason("", said.problem, "error", said.code)])


def _unmatched(proposal: Proposal) -> Verdict:
    return Verdict.denied([Reason("", sentences.unmatched(proposal), "none", "no_rule_matched")])


def _in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(set(reasons), key=lambda reason: (reason.rule, reason.code, reason.sentence)))


def _frozen(shelves: dict[str, list[Rule]]) -> dict[str, tuple[Rule, ...]]:
    return {name: tuple(rules) for name, rules in shelves.items()}
