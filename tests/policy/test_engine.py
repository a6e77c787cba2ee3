"""The engine: its theorems against the reference, and what each sentence of the specification says of a verdict."""

import json
import os
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy import engine, rule_fields
from policy.conditions import NotHeld
from policy.engine import CompiledPolicy, compile_rules, evaluate
from policy.proposal import Proposal, ToolShape
from policy.verdict import Outcome, Reason, Requirement, Verdict
from tests.policy import reference
from tests.policy.strategies import POLICY, PROPOSAL, RULE

random_cases = settings(
    max_examples=int(os.environ.get("M1_TEST_POLICY_CASES", "120")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
APPROVER = frozenset({"approver"})
CALL = Proposal(
    request_id=UUID(int=1),
    agent="demo",
    environment="live",
    requester="ada",
    requester_groups=frozenset({"staff"}),
    shape=ToolShape("files.delete"),
    arguments={"path": "drafts/a.txt", "size": 3},
)


def compiled(*values: dict[str, Any]) -> CompiledPolicy:
    return compile_rules(rule_fields.parse(value, ("rules", at)) for at, value in enumerate(values))


def review(name: str = "ask", *, tools: tuple[str, ...] = ("files.delete",), **fields: Any) -> dict[str, Any]:
    effect = {"requirements": [{"count": 1, "groups": ["approver"]}], **fields.pop("effect", {})}
    return {"name": name, "match": {"tools": list(tools), **fields.pop("match", {})}, "review": effect, **fields}


def deny(name: str = "never", *, tools: tuple[str, ...] = ("files.delete",), **fields: Any) -> dict[str, Any]:
    match = {"tools": list(tools), **fields.pop("match", {})}
    return {"name": name, "match": match, "deny": {"message": "Not here."}, **fields}


def leaf(argument: str, operator: str, value: Any, **fields: str) -> dict[str, Any]:
    return {"argument": argument, "operator": operator, "value": value, **fields}


# The four theorems


@random_cases
@given(POLICY, PROPOSAL)
def test_the_engine_agrees_with_the_reference(written: list[dict[str, Any]], call: Proposal) -> None:
    verdict = evaluate(call, compiled(*written))
    expected = reference.verdict(written, call)
    facts = {**verdict.as_dict(), "requirements": {one.groups: one.count for one in verdict.requirements}}
    assert {name: facts[name] for name in expected} == expected


@random_cases
@given(POLICY, PROPOSAL, st.data())
def test_a_matching_deny_wins_over_everything(
    written: list[dict[str, Any]], call: Proposal, data: st.DataObject
) -> None:
    no = {"name": "no", "match": {"tools": ["*"]}, "deny": {"message": "No."}}
    written.insert(data.draw(st.integers(0, len(written))), no)
    verdict = evaluate(call, compiled(*written))
    assert verdict.outcome is Outcome.DENIED
    assert "no" in verdict.matched


@random_cases
@given(POLICY, PROPOSAL)
def test_what_no_rule_matches_is_denied(written: list[dict[str, Any]], call: Proposal) -> None:
    elsewhere = replace(call, shape=ToolShape("unheard.of"))
    verdict = evaluate(elsewhere, compiled(*(rule for rule in written if "*" not in rule["match"]["tools"])))
    assert (verdict.outcome, verdict.matched) == (Outcome.DENIED, ())
    assert [reason.code for reason in verdict.reasons] == ["no_rule_matched"]


@random_cases
@given(POLICY, PROPOSAL, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(written: list[dict[str, Any]], call: Proposal, chance: Any) -> None:
    again = written + [chance.choice(written) for _ in range(3) if written]
    chance.shuffle(again)
    assert evaluate(call, compiled(*again)) == evaluate(call, compiled(*written))


@random_cases
@given(POLICY, PROPOSAL)
def test_only_explicit_reviews_let_a_call_go_on_and_each_is_honoured(
    written: list[dict[str, Any]], call: Proposal
) -> None:
    verdict = evaluate(call, compiled(*written))
    if verdict.outcome is Outcome.DENIED:
        assert verdict == Verdict.denied(verdict.reasons, verdict.matched)
        return
    effects = [rule.get("review") for rule in written if rule["name"] in verdict.matched]
    asked = {one.groups: one.count for one in verdict.requirements}
    assert effects
    for effect in effects:
        assert effect is not None
        assert all(asked[frozenset(one["groups"])] >= one["count"] for one in effect["requirements"])
        assert effect.get("preauthorization", False) >= verdict.preauthorization
        assert effect.get("allow_self", False) >= verdict.allow_self
        assert effect.get("reminders", True) <= verdict.reminders
        if later := verdict.escalation:
            assert effect["escalate"]["after_minutes"] <= later.after_minutes < verdict.open_minutes
            assert later.groups <= set(effect["escalate"]["groups"])


@random_cases
@given(POLICY, RULE, PROPOSAL)
def test_one_more_rule_never_asks_less(written: list[dict[str, Any]], more: dict[str, Any], call: Proposal) -> None:
    before, after = (evaluate(call, compiled(*found)) for found in (written, [*written, {"name": "more", **more}]))
    if before.outcome is Outcome.DENIED:
        assert after.outcome is Outcome.DENIED or not before.matched
        return
    if after.outcome is Outcome.NEEDS_APPROVAL:
        asked = {one.groups: one.count for one in after.requirements}
        assert all(asked[one.groups] >= one.count for one in before.requirements)
        assert after.open_minutes <= before.open_minutes
        assert after.reminders >= before.reminders
        if after.escalation:
            assert before.escalation and before.escalation.after_minutes <= after.escalation.after_minutes
            assert after.escalation.groups <= before.escalation.groups


# Combining


def test_requirements_of_equal_groups_merge_to_the_larger_count_and_others_stand_beside() -> None:
    two = {"requirements": [{"count": 2, "groups": ["legal", "approver"]}, {"count": 1, "groups": ["approver"]}]}
    one = {"requirements": [{"count": 1, "groups": ["approver", "legal"]}, {"count": 3, "groups": ["finance"]}]}
    verdict = evaluate(CALL, compiled(review("a", effect=two), review("b", effect=one)))
    assert verdict.requirements == (
        Requirement(1, APPROVER),
        Requirement(2, frozenset({"approver", "legal"})),
        Requirement(3, frozenset({"finance"})),
    )


@pytest.mark.parametrize(
    ("field", "first", "second", "expected"),
    [
        ("open_minutes", 60, 5, 5),
        ("sign_in_minutes", None, 15, 15),
        ("sign_in_minutes", 30, 15, 15),
        ("sign_in_minutes", None, None, None),
        ("allow_self", True, False, False),
        ("allow_self", True, True, True),
        ("preauthorization", False, True, False),
        ("preauthorization", True, True, True),
        ("reminders", False, True, True),
        ("reminders", False, False, False),
    ],
)
def test_the_stricter_of_two_reviews_holds(field: str, first: Any, second: Any, expected: Any) -> None:
    for pair in ((first, second), (second, first)):
        both = compiled(*(review(f"r{at}", effect={field: value}) for at, value in enumerate(pair)))
        assert getattr(evaluate(CALL, both), field) == expected


# Matching


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ({"tools": ["files.delete"]}, True),
        ({"tools": ["files.*"]}, True),
        ({"tools": ["*"]}, True),
        ({"tools": ["files.delete", "files.*", "*"]}, True),
        ({"tools": ["files.del.*"]}, False),
        ({"tools": ["files.delete.*"]}, False),
        ({"tools": ["file.*"]}, False),
        ({"tools": ["*"], "agents": ["demo"]}, True),
        ({"tools": ["*"], "agents": ["de*"]}, True),
        ({"tools": ["*"], "agents": ["dex*"]}, False),
        ({"tools": ["*"], "agents": ["Demo"]}, False),
        ({"tools": ["*"], "agents": ["dem"]}, False),
        ({"tools": ["*"], "agents": ["other", "demo"]}, True),
        ({"tools": ["*"], "environments": ["live"]}, True),
        ({"tools": ["*"], "environments": ["liv"]}, False),
        ({"tools": ["*"], "requester_groups": ["staff", "board"]}, True),
        ({"tools": ["*"], "requester_groups": ["board"]}, False),
    ],
)
def test_a_rule_matches_exactly_what_it_names(match: dict[str, list[str]], matches: bool) -> None:
    verdict = evaluate(CALL, compiled({**review(), "match": match}))
    assert (verdict.outcome is Outcome.NEEDS_APPROVAL) == matches


@pytest.mark.parametrize("tool", ["files.delete ", "Files.delete", "files\u2024delete", "fi\u200bles.delete", "", "*"])
def test_a_look_alike_of_a_tool_matches_no_rule_about_it(tool: str) -> None:
    assert evaluate(replace(CALL, shape=ToolShape(tool)), compiled(review())).outcome is Outcome.DENIED


def test_a_pattern_covers_only_tools_that_have_the_arguments_it_names() -> None:
    rule = deny(tools=("files.*",), when=[leaf("folder", "equals", "x")])
    both = compiled(review(), rule)
    known = frozenset({"path", "size"})
    assert (
        evaluate(replace(CALL, shape=ToolShape("files.delete", argument_names=known)), both).outcome
        is Outcome.NEEDS_APPROVAL
    )
    assert (
        evaluate(replace(CALL, shape=ToolShape("files.delete", argument_names=known | {"folder"})), both).outcome
        is Outcome.DENIED
    )
    assert evaluate(CALL, both).outcome is Outcome.DENIED
    exact = compiled(review(), {**rule, "match": {"tools": ["files.delete"]}})
    assert (
        evaluate(replace(CALL, shape=ToolShape("files.delete", argument_names=known)), exact).outcome is Outcome.DENIED
    )


# Closed by default


@pytest.mark.parametrize(
    "condition",
    [
        leaf("size", "starts_with", "3"),
        leaf("path", "at_most", 5),
        leaf("owner", "equals", "ada"),
        leaf("path.name", "equals", "a.txt"),
        {"any": [leaf("size", "equals", 3), leaf("owner", "equals", "ada")]},
        {"not": leaf("owner", "equals", "ada")},
    ],
)
@pytest.mark.parametrize("rule", [review("second"), deny("second")])
def test_a_rule_that_cannot_be_judged_denies_whatever_it_would_have_said(rule: Any, condition: Any) -> None:
    verdict = evaluate(CALL, compiled(review(), {**rule, "when": [condition]}))
    assert verdict.outcome is Outcome.DENIED
    assert [(reason.rule, reason.code) for reason in verdict.reasons] == [("second", "rule_unjudged")]
    assert verdict.matched == ("ask",)


def test_a_rule_for_another_agent_is_not_judged_at_all() -> None:
    elsewhere = deny(match={"agents": ["other"]}, when=[leaf("owner", "equals", "ada")])
    assert evaluate(CALL, compiled(review(), elsewhere)).outcome is Outcome.NEEDS_APPROVAL


@pytest.mark.parametrize("broken", ["answer", "_combined", "_in_order"])
def test_a_fault_inside_the_engine_denies_and_says_so(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(engine, broken, fault)
    verdict = evaluate(CALL, compiled(review()))
    assert (verdict.outcome, verdict.reasons[0].code) == (Outcome.DENIED, "policy_error")
    assert "secret detail" not in verdict.reasons[0].sentence


def test_a_fault_inside_an_operator_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = compiled(review(when=[leaf("path", "starts_with", "drafts")]))
    monkeypatch.setattr("policy.leaves.look_up", lambda *_: 1 / 0)
    assert evaluate(CALL, policy).reasons[0].code == "policy_error"


def test_a_rule_that_the_two_ways_of_judging_see_differently_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = compiled(review(when=[leaf("path", "starts_with", "drafts")]))
    assert evaluate(CALL, policy).outcome is Outcome.NEEDS_APPROVAL
    monkeypatch.setattr(engine, "answer", lambda *_: NotHeld(()))
    assert evaluate(CALL, policy).reasons[0].code == "policy_error"


def test_what_costs_too_much_is_denied_and_names_no_rule() -> None:
    many = [deny(f"r{at}", when=[leaf("path", "contains", f"zebra {at}", quantifier="any_of")]) for at in range(300)]
    call = replace(CALL, arguments={"path": ["x"] * 1_000, "size": 3})
    for order in (many, many[::-1]):
        verdict = evaluate(call, compiled(*order, review()))
        assert verdict.outcome is Outcome.DENIED
        assert [(reason.rule, reason.code) for reason in verdict.reasons] == [("", "policy_too_expensive")]


# Explanations


def test_a_verdict_names_the_condition_that_decided_and_the_value_it_saw() -> None:
    rule = deny("no-zip", when=[{"any": [leaf("size", "at_least", 99), leaf("path", "ends_with", ".txt")]}])
    reason = evaluate(CALL, compiled(review(), rule)).reasons[0]
    assert reason == Reason(
        "no-zip",
        'Not here. (Rule no-zip denies: `path` ends with ".txt" (seen: "drafts/a.txt").)',
        "deny",
        "rule_denies",
    )


def test_sensitive_values_stay_out_of_the_verdict() -> None:
    call = replace(
        CALL,
        arguments={"path": "canary-41", "size": 3},
        shape=ToolShape("files.delete", sensitive=frozenset({"path"})),
    )
    for rule in (review(when=[leaf("path", "contains", "canary")]), deny(when=[leaf("path", "starts_with", "can")])):
        stored = json.dumps(evaluate(call, compiled(rule)).as_dict())
        assert "canary-41" not in stored
        assert "sensitive" in stored
    assert "canary-41" not in repr(call)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("{{ 7*7 }} {rule} %s ${x}", "{{ 7*7 }} {rule} %s ${x}"),
        ("a\u202etxt.exe", "a⟦U+202E⟧txt.exe"),
        ('x" (approved by admin)', 'x\\" (approved by admin)'),
        ("x" * 5_000, "… (5000 characters)"),
    ],
)
def test_what_the_agent_wrote_stands_in_the_sentence_as_inert_bounded_text(path: str, shown: str) -> None:
    call = replace(CALL, arguments={"path": path})
    sentence = evaluate(call, compiled(deny(when=[leaf("path", "length_at_least", 0)]))).reasons[0].sentence
    assert shown in sentence
    assert len(sentence) < 500


@random_cases
@given(POLICY, PROPOSAL)
def test_a_verdict_survives_storage(written: list[dict[str, Any]], call: Proposal) -> None:
    verdict = evaluate(call, compiled(*written))
    assert Verdict.from_dict(json.loads(json.dumps(verdict.as_dict()))) == verdict


def test_a_stored_verdict_with_a_field_it_should_not_have_is_not_read() -> None:
    stored = evaluate(CALL, compiled(review())).as_dict()
    with pytest.raises(TypeError):
        Verdict.from_dict({**stored, "approved": True})
