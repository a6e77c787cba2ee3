"""The verdict for a proposal: pure, closed by default, the same whatever the order of the rules."""

from collections.abc import Iterable
from itertools import chain

from policy import sentences
from policy.compiled.policy import CompiledPolicy, compile_rules
from policy.conditions import Error, Held, NotHeld, answer
from policy.errors import CostError, PolicyError
from policy.leaves import MAX_STEPS, Facts
from policy.proposal import Proposal
from policy.rules import Deny, Review, Rule
from policy.verdict import Escalation, Outcome, Reason, Requirement, Verdict

__all__ = ["CompiledPolicy", "compile_rules", "evaluate"]


class DisagreementError(PolicyError):
    """The rule {rule} was judged in two ways that do not agree."""

    code = "policy_error"


def evaluate(proposal: Proposal, policy: CompiledPolicy) -> Verdict:
    """Return the verdict of all rules that match: any deny denies, else every review combines, else denied.

    A rule that cannot be judged denies, and a fault of the engine denies: silence is never consent.
    """
    try:
        return _evaluate(proposal, policy)
    except CostError as exc:  # names no rule: which one stood at the ceiling depends on their order
        return Verdict.denied([Reason("", str(exc), "error", exc.code)])
    except Exception as exc:  # closed by default: a fault in here can only deny
        sentence = f"The policy could not be judged ({type(exc).__name__}), so the call is denied."
        return Verdict.denied([Reason("", sentence, "error", "policy_error")])


def _evaluate(proposal: Proposal, policy: CompiledPolicy) -> Verdict:
    decision = policy.decide(
        proposal.shape, proposal.agent, proposal.environment, proposal.requester_groups, proposal.arguments
    )
    facts = Facts.of(proposal)
    matching = [(rule, rule.effect, _held(rule, facts)) for rule in decision.matching]
    against = [_denial(rule, effect, said) for rule, effect, said in matching if isinstance(effect, Deny)]
    against += [_unjudged(rule, _error(rule, facts)) for rule in decision.unjudged]
    matched = {rule.name for rule, _, _ in matching}
    if against:
        return Verdict.denied(_in_order(against), sorted(matched))
    reviews = [(effect, _request(rule, said)) for rule, effect, said in matching if isinstance(effect, Review)]
    return _combined(reviews, matched) if reviews else _unmatched(proposal)


def _held(rule: Rule, facts: Facts) -> Held:
    """Judge a rule that matches once more, by itself, for the reasons; an answer that differs denies."""
    said = _answered(rule, facts)
    if not isinstance(said, Held):
        raise DisagreementError(rule=rule.name)
    return said


def _error(rule: Rule, facts: Facts) -> Error:
    said = _answered(rule, facts)
    if not isinstance(said, Error):
        raise DisagreementError(rule=rule.name)
    return said


def _answered(rule: Rule, facts: Facts) -> Held | NotHeld | Error:
    said = answer(rule.when, facts)
    if isinstance(said, Error) and said.code == CostError.code:
        raise CostError(ceiling=MAX_STEPS)
    return said


def _combined(reviews: list[tuple[Review, Reason]], matched: set[str]) -> Verdict:
    """Return what satisfies every review at once: the most people, the shortest times, only what all of them allow."""
    effects = [effect for effect, _ in reviews]
    open_minutes = min(effect.open_minutes for effect in effects)
    ages = [effect.sign_in_minutes for effect in effects if effect.sign_in_minutes is not None]
    return Verdict(
        outcome=Outcome.NEEDS_APPROVAL,
        reasons=_in_order(reason for _, reason in reviews),
        matched=tuple(sorted(matched)),
        requirements=_merged(chain.from_iterable(effect.requirements for effect in effects)),
        open_minutes=open_minutes,
        sign_in_minutes=min(ages, default=None),
        allow_self=all(effect.allow_self for effect in effects),
        preauthorization=all(effect.preauthorization for effect in effects),
        reminders=any(effect.reminders for effect in effects),
        escalation=_escalation([effect.escalate for effect in effects], open_minutes),
    )


def _escalation(said: list[Escalation | None], open_minutes: int) -> Escalation | None:
    """Return the escalation that every review allows: the latest, to the groups common to all; None where they differ.

    Nor is there one that would come when the request is over.
    """
    named = [one for one in said if one is not None]
    if len(named) < len(said):
        return None
    after_minutes = max(one.after_minutes for one in named)
    groups = frozenset.intersection(*(one.groups for one in named))
    return Escalation(after_minutes, groups) if groups and after_minutes < open_minutes else None


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


def _unmatched(proposal: Proposal) -> Verdict:
    return Verdict.denied([Reason("", sentences.unmatched(proposal), "none", "no_rule_matched")])


def _in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(set(reasons), key=lambda reason: (reason.rule, reason.code, reason.sentence)))
