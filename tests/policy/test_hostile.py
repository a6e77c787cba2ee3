"""Hostile calls against random rule sets: the engine and the slow reference must say the same of each.

M1_TEST_POLICY_CASES=1000000 is the long run, its halves for two processes: `pytest -n 2 tests/policy/test_hostile.py`.
"""

import os
from random import Random
from typing import Any

import pytest

from policy import documents
from policy.compiled.stored import compile_stored
from policy.engine import CompiledPolicy, evaluate
from policy.proposal import Proposal
from tests.policy import reference
from tests.policy.hostile import Author, Caller

CALLS = int(os.environ.get("M1_TEST_POLICY_CASES", "2000"))
CALLS_A_SET = 40
MEANT = {"rule_denies", "rule_asks_review", "rule_unjudged", "no_rule_matched"}
Rules = list[dict[str, Any]]


def compiled(written: Rules) -> CompiledPolicy:
    """Return the rules as a published version has them: by way of its canonical JSON."""
    return compile_stored(documents.canonical(documents.from_value({"format": 1, "rules": written})).decode())


def expected(written: Rules, call: Proposal) -> dict[str, Any]:
    """Return what the engine must say; `wins` is the first by name of the rules that decide."""
    matched, unclear = reference.judged(written, call)
    verdict = reference.combined(matched, unclear)
    deciding = [rule for rule in matched if "deny" in rule] or unclear or matched
    _, wins = min((("review" in rule, rule["name"]) for rule in deciding), default=(False, ""))
    unjudged = sorted(rule["name"] for rule in unclear)
    found = {"decided": verdict["outcome"], "found": verdict["matched"], "wins": wins}
    return verdict | found | {"unjudged": unjudged, "other": []}


def answered(policy: CompiledPolicy, call: Proposal) -> dict[str, Any]:
    """Return what the engine says: the verdict, the decision behind it, and any reason that no rule stands behind."""
    verdict = evaluate(call, policy)
    requirements = {one.groups: one.count for one in verdict.requirements}
    unjudged = sorted({one.rule for one in verdict.reasons if one.code == "rule_unjudged"})
    other = [one.sentence for one in verdict.reasons if one.code not in MEANT]
    said = verdict.as_dict() | {"requirements": requirements, "unjudged": unjudged, "other": other}
    return said | decided(policy, call)


def decided(policy: CompiledPolicy, call: Proposal) -> dict[str, Any]:
    try:
        decision = policy.decide(call.shape, call.agent, call.environment, call.requester_groups, call.arguments)
    except Exception as exc:  # is a difference as well
        return {"decided": repr(exc), "found": [], "wins": ""}
    return {"decided": decision.outcome, "found": sorted(decision.matched), "wins": decision.rule}


def differs(written: Rules, call: Proposal, policy: CompiledPolicy) -> bool:
    wanted, said = expected(written, call), answered(policy, call)
    return {name: said[name] for name in wanted} != wanted


def smallest(written: Rules, call: Proposal) -> Rules:
    """Return as few of the rules as still show the difference."""
    for rule in list(written):
        fewer = [other for other in written if other is not rule]
        if fewer and differs(fewer, call, compiled(fewer)):
            written = fewer
    return written


@pytest.mark.parametrize("half", [1, 2])
def test_the_engine_agrees_with_the_reference_on_hostile_calls(half: int) -> None:
    chance, differences, outcomes = Random(half), [], []
    for _ in range(CALLS // 2 // CALLS_A_SET):
        author = Author(chance)
        written, caller = author.rules(), Caller(chance, author.arguments)
        policy = compiled(written)
        calls = [caller.call() for _ in range(CALLS_A_SET)]
        differences += [(written, call) for call in calls if differs(written, call, policy)]
        outcomes += [evaluate(call, policy).outcome for call in calls]
    print(
        f"{len(outcomes)} hostile calls, {outcomes.count('needs_approval')} not denied: {len(differences)} differences"
    )
    for written, call in differences[:3]:
        few = smallest(written, call)
        print(
            f"\n{few}\n{call!r}\n{call.arguments!r}\nwanted {expected(few, call)}\nsaid {answered(compiled(few), call)}"
        )
    assert not differences
