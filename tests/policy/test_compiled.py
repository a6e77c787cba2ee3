"""Rules judged together, as bits, say what each of them says by itself."""

import random
from itertools import product
from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from audit import canonical
from policy import conditions, documents, rule_fields
from policy.compiled.bits import Bits
from policy.compiled.compared import MAX_CELLS
from policy.compiled.literals import literal_end
from policy.compiled.policy import CompiledPolicy
from policy.compiled.rows import MAX_ROWS, rows
from policy.compiled.stored import Reader, compile_stored
from policy.conditions import Error, Held
from policy.documents import Document
from policy.engine import compile_rules
from policy.leaves import Facts
from policy.proposal import ToolShape
from policy.rules import Rule
from tests.policy.strategies import POLICY
from tests.policy.test_engine import random_cases

WANTED: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        ["equals", "not_equals"], ("a", "ab", 1, 1.5, True, 0, {"decimal": "1.50"}, {"date": "2026-01-31"})
    ),
    **dict.fromkeys(["in", "not_in"], (["a", "ab"], [1, 2.5], [True], [{"decimal": "1"}, {"decimal": "2.5"}])),
    **dict.fromkeys(
        ["greater_than", "at_least", "less_than", "at_most"],
        (1, 2.5, -3, {"decimal": "1.5"}, {"date": "2026-02-01"}, {"time": "2026-01-31T12:00:00Z"}),
    ),
    **dict.fromkeys(["starts_with", "ends_with", "contains"], ("a", "ab", "b", "a/b", "archive/")),
    "matches": ("a+", "[a-z]+@corp[.]example", "(?i)AB", "a|ab", "x{2,3}", r"a\.b", "[^]a]b", ".*b", "\\x61b"),
    "path_inside": ("archive", "archive/old", "a", "/srv", "/srv/data"),
    "url_host_in": (["example.com"], ["example.com", "a.example"]),
    "email_domain_in": (["example.com"], ["corp.example", "a.example"]),
    **dict.fromkeys(["length_at_most", "length_at_least"], (0, 1, 2, 7)),
    **dict.fromkeys(["is_present", "is_absent"], (None,)),
}
SEEN: tuple[Any, ...] = (
    None, True, False, 0, 1, 1.0, 1.5, 2.5, -3, -0.0, 10**30, float("nan"), float("inf"), "", "a", "ab", "b", "a/b",
    "a.b", "1.50", "1.5", "2", "-3", "2026-01-31", "2026-02-01", "2026-13-01", "2026-01-31T12:00:00Z",
    "2026-01-31T13:00:00+01:00", "archive", "archive/old/x", "archive/../x", "/srv/data/x", "/srv", "~x",
    "http://example.com/x", "https://a.example", "http://x@example.com", "me@example.com", "me@CORP.example", "x@y@z",
    "\ud800", "a\nb", "é", "x" * 10_001, "xx",
    [], ["a"], ["a", "ab"], [1, 2.5], ["a", None], [["a"]], {}, {"a": 1}, b"a",
)  # fmt: skip


def a_leaf(chance: random.Random) -> dict[str, Any]:
    operator = chance.choice(list(WANTED))
    leaf: dict[str, Any] = {"argument": chance.choice(["x", "x", "y", "x.a", "z.b"]), "operator": operator}
    if WANTED[operator] != (None,):
        leaf["value"] = chance.choice(WANTED[operator])
        if chance.random() < 0.3:
            leaf["quantifier"] = chance.choice(["any_of", "all_of", "none_of"])
        if chance.random() < 0.5:
            leaf["if_missing"] = chance.choice(["match", "no_match"])
    return leaf


def a_condition(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    if depth > 2 or chance.random() < 0.6:
        return a_leaf(chance)
    if chance.random() < 0.3:
        return {"not": a_condition(chance, depth + 1)}
    return {chance.choice(["all", "any"]): [a_condition(chance, depth + 1) for _ in range(chance.randint(1, 3))]}


def a_rule(chance: random.Random, name: str) -> Rule:
    effect = {"deny": {"message": "No."}}
    if chance.random() < 0.7:
        effect = {"review": {"requirements": [{"count": 1, "groups": ["approver"]}]}}
    when = [a_condition(chance) for _ in range(chance.randint(0, 3))]
    return rule_fields.parse({"name": name, "match": {"tools": ["t"]}, "when": when, **effect}, ())


def by_themselves(rules: list[Rule], facts: Facts) -> tuple[set[str], set[str]]:
    said = {rule.name: conditions.answer(rule.when, facts) for rule in rules}
    return {name for name, one in said.items() if isinstance(one, Held)}, {
        name for name, one in said.items() if isinstance(one, Error)
    }


@pytest.mark.parametrize("seed", range(40))
def test_judged_together_each_rule_says_what_it_says_by_itself(seed: int) -> None:
    chance = random.Random(seed)
    rules = [a_rule(chance, f"r{at}") for at in range(60)]
    policy = compile_rules(rules)
    shape = ToolShape("t", {"y": chance.choice(SEEN), "z.b": "a"})
    for _ in range(60):
        arguments = {name: chance.choice(SEEN) for name in ("x", "y", "z") if chance.random() < 0.8}
        if chance.random() < 0.3:
            arguments["x"] = {"a": chance.choice(SEEN)}
        decision = policy.decide(shape, "agent", "live", frozenset(), arguments)
        held, broken = by_themselves(rules, Facts(arguments, shape.defaults, frozenset()))
        assert (set(decision.matched), {rule.name for rule in decision.unjudged}) == (held, broken), arguments


@pytest.mark.parametrize("operator", WANTED)
def test_a_rule_that_uses_an_operator_twice_wants_both(operator: str) -> None:
    bare = {"argument": "x", "operator": operator}
    leaves = [bare if one is None else {**bare, "value": one} for one in WANTED[operator]]
    leaves += [{"not": leaf} for leaf in leaves]
    rules = [_denying(f"r{at}", *pair) for at, pair in enumerate(product(leaves, leaves))]
    policy, shape = compile_rules(rules), ToolShape("t")
    for seen in SEEN:
        decision = policy.decide(shape, "agent", "live", frozenset(), {"x": seen})
        held, broken = by_themselves(rules, Facts({"x": seen}, {}, frozenset()))
        assert (set(decision.matched), {rule.name for rule in decision.unjudged}) == (held, broken), seen


def test_what_would_take_too_much_memory_as_masks_is_judged_one_by_one() -> None:
    values = [[f"v{at}-{one}" for one in range(900)] for at in range(300)]
    rules = [_denying(f"r{at}", {"argument": "x", "operator": "in", "value": one}) for at, one in enumerate(values)]
    assert 2 * 900 * 300 * 2 * Bits(300).count > MAX_CELLS
    decision = compile_rules(rules).decide(ToolShape("t"), "a", "e", frozenset(), {"x": "v7-899"})
    assert decision.matched == ("r7",)


def test_a_condition_of_too_many_rows_is_judged_as_a_whole() -> None:
    choices = [
        {"any": [{"argument": f"a{at}", "operator": "equals", "value": one} for one in (1, 2)]} for at in range(8)
    ]
    rule = _denying("wide", *choices)
    assert rows(rule.when) is None
    assert len(rows(_denying("less", *choices[:5]).when) or ()) == MAX_ROWS
    decide = compile_rules([rule]).decide
    arguments = {f"a{at}": 2 for at in range(8)}
    assert decide(ToolShape("t"), "a", "e", frozenset(), arguments).rule == "wide"
    assert decide(ToolShape("t"), "a", "e", frozenset(), {**arguments, "a3": 3}).matched == ()
    assert [one.name for one in decide(ToolShape("t"), "a", "e", frozenset(), {**arguments, "a3": "2"}).unjudged] == [
        "wide"
    ]


@random_cases
@given(POLICY.filter(bool), st.text(st.characters(exclude_categories=["C"]), max_size=30))
def test_a_stored_policy_is_read_as_it_was_written(written: list[dict[str, Any]], odd: str) -> None:
    hostile = f'x {odd} "}},{{"match":{{"tools":["pay.*"]}}}}],"tests":[ \\ "rules":['
    written = [
        *written,
        {"name": "odd", "match": {"tools": ["*"], "agents": [f"a{odd.strip()}z"]}, "deny": {"message": hostile}},
    ]
    try:
        parsed = [rule_fields.parse(value, ("rules", at)) for at, value in enumerate(written)]
    except documents.FieldError:
        return  # the odd text made no agent's name
    document = Document(tuple(parsed), note=hostile)
    stored = compile_stored(documents.canonical(document).decode())
    assert [Reader().rule(rule_fields.to_value(rule)) for rule in parsed] == parsed
    for tool in ("pay.send", "pay.eu.send", "files.read", "payroll", "other"):
        assert _seen(stored, tool) == _seen(compile_rules(parsed), tool)


def test_a_policy_published_before_there_were_escalations_is_still_read() -> None:
    """It says the same then as now, where the defaults are written out."""
    review = {"requirements": [{"count": 1, "groups": ["approver"]}], "preauthorization": False, "open_minutes": 1440,
              "sign_in_minutes": None, "allow_self": False}  # fmt: skip
    value = {"name": "r", "match": {"tools": ["t"]}, "review": review}
    older = canonical.encode({"format": 1, "rules": [value]}).decode()
    (rule,) = compile_stored(older).candidates(ToolShape("t"))
    assert rule == rule_fields.parse(value, ())
    assert rule_fields.to_value(rule)["review"] == {**review, "reminders": True, "escalate": None}


def test_a_stored_text_that_is_not_canonical_is_refused() -> None:
    with pytest.raises(ValueError, match="canonical"):
        compile_stored('{"rules":[{"tools":["x"],"match":{"tools":["t"]},"name":"r","deny":{"message":"No."}}]}')


@pytest.mark.parametrize(
    ("pattern", "end"),
    [
        (r"[a-z0-9]+@corp1\.example", "@corp1.example"), ("abc", "abc"), ("ab*", ""), ("ab+c", "c"), ("a{2}b", "b"),
        ("a|bc", ""), ("(ab)", ""), ("(a)b", "b"), ("[ab]c", "c"), ("[]x]c", "c"), ("[^]]c", "c"), (r"a\d", ""),
        (r"\dab", "ab"), (r"a\\", "a\\"), (r"\Qa.b\E", ""), ("(?i)ab", ""), ("ab$", ""), ("^ab", "ab"), ("a.b", "b"),
        ("[[:alpha:]]b", "b"), (r"\x61b", ""), (r"\pNb", ""), (r"\n6", "6"), (r"[\]]b", "b"), ("é", "é"),
    ],
)  # fmt: skip
def test_the_end_that_every_match_has(pattern: str, end: str) -> None:
    assert literal_end(pattern) == end


@random_cases
@given(st.text("ab.\\[]^-*+?(){}2|QdpN$x61", max_size=8), st.text("ab.\\[]^-*+?(){}2|QdpN$x61", max_size=6))
def test_whatever_matches_has_that_end(pattern: str, text: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        expression = re2.compile(pattern, options)
    except re2.error:
        return
    if expression.fullmatch(text):
        assert text.endswith(literal_end(pattern))


def _denying(name: str, *when: dict[str, Any]) -> Rule:
    return rule_fields.parse(
        {"name": name, "match": {"tools": ["t"]}, "when": list(when), "deny": {"message": "No."}}, ()
    )


def _seen(policy: CompiledPolicy, tool: str) -> list[Rule]:
    return sorted(policy.candidates(ToolShape(tool)), key=lambda rule: rule.name)
