"""Lint: the mistakes of a tired author, the good rules that it leaves in peace, and that it is never wrong."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from policy import documents, lint, registry, schemas
from policy.conditions import Held, answer
from policy.engine import compile_rules, evaluate
from policy.leaves import Facts
from policy.lint import Finding, reasoning, shadows
from policy.lint.domains import Tool
from policy.lint.reach import Reach
from policy.rules import Rule
from policy.verdict import Verdict
from tests.policy.lint_strategies import SCHEMA, TOOL, VALUES, calls, rules

random_cases = settings(
    max_examples=int(os.environ.get("M1_TEST_LINT_CASES", "70")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
CALLS = 100
DEMO = Path(__file__).parents[2] / "m1site" / "demo" / "policy.yaml"
TEXT = {"type": "string", "maxLength": 200}
TOOLS: dict[str, Any] = {
    "pay.send": {
        "type": "object",
        "additionalProperties": False,
        "required": ["amount", "currency", "to", "sum", "due", "confirmed", "kind", "memo"],
        "properties": {
            "amount": {"type": "integer", "minimum": 0, "maximum": 1000},
            "currency": {"type": "string", "enum": ["EUR", "USD"]},
            "kind": {"const": "transfer"},
            "to": {"type": "array", "minItems": 1, "maxItems": 20, "items": {"type": "string", "maxLength": 254}},
            "cc": {"type": "array", "items": TEXT, "default": []},
            "note": {"anyOf": [TEXT, {"type": "null"}], "default": None},
            "memo": {"anyOf": [TEXT, {"type": "null"}]},
            "tags": {"type": "array", "minItems": 1, "items": {"enum": ["red", "blue"]}, "default": ["red"]},
            "sum": TEXT,
            "due": TEXT,
            "confirmed": {"type": "boolean"},
            "priority": {"type": "integer", "default": 3, "minimum": 1, "maximum": 5},
            "rate": {"type": "number"},
            "card": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"land": {"type": "string", "pattern": "^[A-Z]{2}$"}},
            },
        },
    },
    "pay.hold": {
        "type": "object",
        "additionalProperties": False,
        "required": ["amount"],
        "properties": {"amount": {"type": "integer", "minimum": 1, "maximum": 10}},
    },
    "pay.list": {
        "type": "object",
        "additionalProperties": False,
        "required": ["page"],
        "properties": {"page": {"type": "integer", "minimum": 1}},
    },
    "files.delete": {
        "type": "object",
        "additionalProperties": False,
        "required": ["path"],
        "properties": {"path": {"type": "string", "minLength": 1, "maxLength": 1024}},
    },
    "web.get": {
        "type": "object",
        "additionalProperties": False,
        "required": ["url"],
        "properties": {"url": {"type": "string", "maxLength": 2000}},
    },
}
ONE = {"requirements": [{"count": 1, "groups": ["approver"]}]}
TWO = {"requirements": [{"count": 2, "groups": ["approver"]}]}
REST: Any = {"name": "rest", "match": {"tools": ["*"], "environments": ["elsewhere"]}, "review": ONE}


def findings(rules: list[Any], **fields: Any) -> list[Finding]:
    """Lint rules beside one that looks at calls of every tool elsewhere, so that no tool is without a rule."""
    return lint.findings(documents.from_value({"format": 1, "rules": [*rules, REST], **fields}), TOOLS)


def condition(short: dict[str, Any]) -> dict[str, Any]:
    """Return a condition in full: `amount: [at_least, 5, any_of, match]`, or a group of such ones."""
    ((name, said),) = short.items()
    if name in ("any", "all"):
        return {name: [condition(part) for part in said]}
    if name == "not":
        return {name: condition(said)}
    operator, *rest = said
    words = {"if_missing" if word in ("match", "no_match") else "quantifier": word for word in rest[1:]}
    return {"argument": name, "operator": operator, **({"value": rest[0]} if rest else {}), **words}


def rule(name: str, when: str = "", tools: str = "pay.send", **fields: Any) -> dict[str, Any]:
    """Return a rule that asks two people, its conditions and tools written shortly."""
    match = {"tools": yaml.safe_load(f"[{tools}]"), **fields.pop("match", {})}
    effect = fields or {"review": TWO}
    return {"name": name, "match": match, "when": [condition(part) for part in yaml.safe_load(f"[{when}]")], **effect}


def said(when: str, tools: str = "pay.send") -> list[tuple[str, str]]:
    """Return what lint says of one rule."""
    return [(one.code, one.problem) for one in findings([rule("mine", when, tools)])]


# Conditions: (conditions, code, a telling part of the sentence)

MISTAKES = [
    # what is not there, or is of another type
    ("amuont: [at_most, 5]", "unknown_argument", 'did you mean "amount"?'),
    ("amount: [equals, '5']", "type_never_fits", "is integer, but equals here needs string"),
    ("amount: [at_most, {decimal: '5'}]", "type_never_fits", "at_most here needs string"),
    ("sum: [at_most, 5]", "type_never_fits", "is string, but at_most here needs integer"),
    ("confirmed: [equals, 1]", "type_never_fits", "is boolean"),
    ("confirmed: [equals, 'true']", "type_never_fits", "is boolean"),
    ("to: [ends_with, '@a.com']", "list_without_quantifier", "any_of, all_of or none_of"),
    ("amount: [equals, 5, any_of]", "quantifier_without_list", "is no list"),
    # what holds for every call
    ("amount: [at_least, 0]", "always_true", "`amount` is at least 0 in every call"),
    ("amount: [at_most, 1000]", "always_true", "`amount` is at most 1000"),
    ("amount: [less_than, 1000.5]", "always_true", "`amount` is below 1000.5"),
    ("amount: [greater_than, -1]", "always_true", "`amount` is above -1"),
    ("amount: [not_equals, 2.5]", "always_true", "`amount` is not 2.5"),
    ("amount: [not_equals, 5000]", "always_true", "`amount` is not 5000"),
    ("amount: [is_present]", "always_true", "`amount` is given in every call"),
    ("priority: [is_present]", "always_true", "`priority` is given"),
    ("priority: [at_most, 5]", "always_true", "`priority` is at most 5"),
    ("currency: [not_in, [GBP, CHF]]", "always_true", "none of"),
    ("currency: [in, [USD, EUR]]", "always_true", '"USD", "EUR"'),
    ("kind: [equals, transfer]", "always_true", "`kind` is"),
    ("confirmed: [in, [true, false]]", "always_true", "true, false"),
    ("note: [length_at_most, 200, match]", "always_true", "length of at most 200"),
    ("to: [length_at_least, 1]", "always_true", "length of at least 1"),
    ("to: [length_at_most, 254, all_of]", "always_true", "every item of `to`"),
    ("to: [length_at_least, 300, none_of]", "always_true", "no item of `to`"),
    ("tags: [in, [blue, red], all_of]", "always_true", "every item of `tags`"),
    ("not: {currency: [equals, GBP]}", "always_true", '`currency` is not "GBP"'),
    ("any: [amount: [greater_than, 5], amount: [at_most, 5]]",
     "always_true", "(`amount` is above 5 or `amount` is at most 5) in every call"),
    ("any: [amount: [at_most, 4], amount: [at_least, 5]]", "always_true", "at least 5"),
    ("any: [confirmed: [equals, true], confirmed: [equals, false]]", "always_true", "is true or"),
    ("all: [amount: [at_least, 0], amount: [at_most, 5]]", "always_true", "`amount` is at least 0 in every call"),
    ("any: [note: [is_present], note: [is_absent]]", "always_true", "given"),
    ("not: {all: [amount: [at_least, 9], amount: [at_most, 8]]}", "always_true", "below 9 or"),
    # what holds for none
    ("currency: [equals, GBP]", "never_matches", 'can be such that `currency` is "GBP"'),
    ("currency: [equals, eur]", "never_matches", "correct the condition"),
    ("currency: [starts_with, G]", "never_matches", "starts with"),
    ("kind: [equals, transfers]", "never_matches", "transfers"),
    ("amount: [greater_than, 1000]", "never_matches", "`amount` is above 1000"),
    ("amount: [less_than, 0]", "never_matches", "`amount` is below 0"),
    ("amount: [equals, 2.5]", "never_matches", "`amount` is 2.5"),
    ("amount: [in, [1001, 2.5]]", "never_matches", "1001, 2.5"),
    ("amount: [is_absent]", "never_matches", "`amount` is not given"),
    ("priority: [is_absent]", "never_matches", "`priority` is not given"),
    ("note: [length_at_least, 201, no_match]", "never_matches", "at least 201"),
    ("card.land: [equals, Germany, no_match]", "never_matches", "Germany"),
    ("due: [equals, {date: '2026-01-31'}], due: [at_most, {time: '2026-01-31T00:00:00Z'}]",
     "never_matches", "exclude each other"),
    ("amount: [at_least, 9], amount: [at_most, 5]",
     "never_matches", "`amount` is at least 9 and `amount` is at most 5 exclude each other; put them under any"),
    ("amount: [greater_than, 5], amount: [less_than, 6]", "never_matches", "exclude each other"),
    ("priority: [at_least, 4], priority: [not_in, [4, 5]]", "never_matches", "exclude each other"),
    ("rate: [greater_than, 5, no_match], rate: [at_most, 5, no_match]", "never_matches", "exclude each other"),
    ("sum: [at_least, {decimal: '10'}], sum: [less_than, {decimal: '10.00'}]", "never_matches", "is at least 10 and"),
    ("due: [greater_than, {date: '2026-02-01'}], due: [at_most, {date: '2026-01-31'}]",
     "never_matches", "exclude each other"),
    ("due: [equals, {date: '2026-02-01'}], due: [not_equals, {date: '2026-02-01'}]",
     "never_matches", "exclude each other"),
    ("amount: [equals, 1], amount: [equals, 2]", "never_matches", "`amount` is 1 and `amount` is 2 exclude each other"),
    ("sum: [in, [a, b]], sum: [in, [c]]", "never_matches", "one of"),
    ("sum: [in, [a, b]], sum: [not_in, [b, a]]", "never_matches", ""),
    ("sum: [equals, abc], sum: [starts_with, b]", "never_matches", ""),
    ("sum: [equals, abc], sum: [ends_with, b]", "never_matches", ""),
    ("sum: [equals, abc], sum: [contains, d]", "never_matches", ""),
    ("sum: [equals, abc], sum: [matches, 'b.*']", "never_matches", ""),
    ("sum: [starts_with, a], sum: [starts_with, b]", "never_matches", "exclude each other"),
    ("sum: [ends_with, a], sum: [ends_with, b]", "never_matches", ""),
    ("sum: [starts_with, abc], not: {sum: [contains, b]}", "never_matches", "does not contain"),
    ("sum: [starts_with, abc], sum: [length_at_most, 2]", "never_matches", "length of at most 2"),
    ("sum: [matches, 'a+'], not: {sum: [matches, 'a+']}", "never_matches", "exclude each other"),
    ("note: [is_present], note: [is_absent]", "never_matches", "exclude each other"),
    ("tags: [equals, green, any_of]", "never_matches", "at least one item of `tags` is \"green\""),
    ("to: [email_domain_in, [a.com], all_of], to: [email_domain_in, [b.com], any_of]", "never_matches", "exclude"),
    ("to: [email_domain_in, [a.com], all_of], to: [ends_with, '@b.com', all_of]", "never_matches", "exclude"),
    ("to: [equals, x, all_of], to: [equals, x, none_of]", "never_matches", "exclude each other"),
    ("to: [length_at_least, 21]", "never_matches", "length of at least 21"),
    ("any: [amount: [less_than, 0], currency: [equals, GBP]]", "never_matches", "(`amount` is below 0 or"),
    ("amount: [at_most, 5], sum: [equals, a], any: [amount: [at_least, 9], sum: [equals, b]]",
     "never_matches", "its conditions together hold for no call of pay.send"),
    # what is in vain inside a condition that works
    ("currency: [in, [EUR, GBP]]", "dead_part", '`currency` of pay.send can never be "GBP"'),
    ("currency: [not_in, [EUR, GBP]]", "dead_part", "correct the list, or shorten it"),
    ("any: [amount: [at_least, 500], currency: [equals, GBP]]", "dead_part", "so this alternative does nothing"),
    # what a missing argument means
    ("rate: [at_most, 5]", "absence_unspoken", "`rate` may be left out, or null, in a call of"),
    ("note: [contains, a]", "absence_unspoken", "if_missing: match, or if_missing: no_match"),
    ("memo: [contains, a], memo: [is_present]", "absence_unspoken", "`memo` may be left out, or null"),
    ("cc: [email_domain_in, [a.com], all_of]", "absence_unspoken", "an empty list"),
    ("card.land: [equals, DE]", "absence_unspoken", "`card.land` may be left out"),
    # what looks like something else
    ("sum: [matches, urgent]", "plain_pattern", "use contains or equals"),
    ("sum: [matches, '^archive/']", "plain_pattern", "must match the whole text"),
    ("sum: [matches, 'evil\\.com$']", "plain_pattern", "must match the whole text"),
    ("sum: [starts_with, 'archive/*']", "star_in_value", "the star stands for itself"),
    ("to: [ends_with, '*@a.com', any_of]", "star_in_value", "stands for itself"),
    ("to: [in, ['*@a.com'], any_of]", "star_in_value", "email_domain_in without it"),
]  # fmt: skip


@pytest.mark.parametrize(("when", "code", "words"), MISTAKES)
def test_a_tired_authors_condition_is_found(when: str, code: str, words: str) -> None:
    found = said(when)
    assert [one for one, _ in found] == [code], found
    assert words in found[0][1]


DIRECTORIES = [
    ("path: [path_inside, archive], path: [path_inside, drafts]", "never_matches", "exclude each other"),
    ("path: [path_inside, archive], path: [path_inside, '/archive']", "never_matches", "exclude each other"),
    ("path: [path_inside, a/b], not: {path: [path_inside, a]}", "never_matches", "is not inside"),
    ("path: [path_inside, archive], path: [starts_with, drafts/]", "never_matches", "exclude each other"),
    ("path: [path_inside, archive], path: [starts_with, draf]", "never_matches", "exclude each other"),
    ("path: [path_inside, archive], path: [equals, archives/a]", "never_matches", "exclude each other"),
    ("path: [path_inside, archive], path: [equals, archive/../a]", "never_matches", "exclude each other"),
    ("path: [path_inside, 'archive/*']", "star_in_value", "the star stands for itself"),
]  # fmt: skip


@pytest.mark.parametrize(("when", "code", "words"), DIRECTORIES)
def test_a_tired_authors_directory_is_found(when: str, code: str, words: str) -> None:
    found = said(when, "files.delete")
    assert [one for one, _ in found] == [code], found
    assert words in found[0][1]


@pytest.mark.parametrize(
    ("tools", "code", "words"),
    [
        ("pay.sned", "unknown_tool", 'there is no tool pay.sned; did you mean "pay.send"?'),
        ("payments.*", "unknown_tool", "there is no tool payments.*"),
        ("mail.*", "unknown_tool", "there is no tool mail.*; enable it first, or correct the name"),
        ("pay.send, pay.list", "unknown_argument", "pay.list has no argument `amount`"),
        ("files.*", "unknown_argument", "files.* has no argument `amount`"),
    ],
)
def test_a_tired_authors_tools_are_found(tools: str, code: str, words: str) -> None:
    found = said("amount: [at_most, 5]", tools)
    assert [one for one, _ in found] == [code], found
    assert words in found[0][1]


def test_a_pattern_whose_tools_share_no_rule_is_found() -> None:
    ((code, problem),) = said("amount: [at_most, 5], page: [at_most, 5]", "pay.*")
    assert (code, "no tool of pay.* has all the arguments that it names" in problem) == ("never_matches", True)


# Pairs: (the first rule, the second one, the one that changes no verdict or neither)

FILES, WEB, AT_A = "files.delete", "web.get", "email_domain_in, [a.com]"
NO = {"message": "No."}
SOON = {**TWO, "open_minutes": 5}
SELF, AHEAD = {**TWO, "allow_self": True}, {**TWO, "preauthorization": True}
RECENT, MORE_RECENT = {**TWO, "sign_in_minutes": 30}, {**TWO, "sign_in_minutes": 15}
OTHERS = {"requirements": [{"count": 2, "groups": ["legal"]}]}
QUIET, LATER = {**TWO, "reminders": False}, {"after_minutes": 30, "groups": ["board", "legal"]}
ESCALATES, SOONER = {**TWO, "escalate": LATER}, {**TWO, "escalate": {**LATER, "after_minutes": 5}}
TO_FEWER, TO_OTHERS = ({**TWO, "escalate": {**LATER, "groups": groups}} for groups in (["board"], ["board", "x"]))
BOTH = {"requirements": [*OTHERS["requirements"], *TWO["requirements"]]}
PAIRS = [
    # a deny over everything; a deny over a part
    (rule("a", deny=NO), rule("b", "amount: [at_most, 5]"), "b"),
    (rule("a", "amount: [at_most, 5]", deny=NO), rule("b", deny=NO), "a"),
    (rule("a", "", "'*'", deny=NO), rule("b", "to: [ends_with, '@a.com', any_of]"), "b"),
    (rule("a", "amount: [at_most, 9]", deny=NO), rule("b", "amount: [at_most, 5]", deny=NO), "b"),
    (rule("a", "amount: [at_most, 5]", deny=NO), rule("b", "amount: [at_most, 9]", deny=NO), "a"),
    (rule("a", "amount: [at_most, 5]", deny=NO), rule("b", "amount: [at_most, 9]"), ""),
    (rule("a", "amount: [at_most, 5]", deny=NO), rule("b", "amount: [less_than, 6]"), "b"),
    (rule("a", "currency: [equals, EUR]", deny=NO), rule("b", "not: {currency: [equals, USD]}", deny=NO), "b"),
    (rule("a", "path: [path_inside, a]", "files.*", deny=NO), rule("b", "path: [path_inside, a/b]", FILES), "b"),
    (rule("a", "path: [path_inside, a]", "files.*", deny=NO), rule("b", "path: [path_inside, ab]", FILES), ""),
    (rule("a", "path: [path_inside, a]", "files.*", deny=NO), rule("b", "path: [starts_with, a/]", FILES), "b"),
    (rule("a", "url: [url_host_in, [a.com, b.com]]", WEB, deny=NO), rule("b", "url: [url_host_in, [b.com]]", WEB), "b"),
    (rule("a", f"to: [{AT_A}, any_of]", deny=NO), rule("b", f"to: [{AT_A}, all_of]"), "b"),
    (rule("a", f"to: [{AT_A}, all_of]", deny=NO), rule("b", f"to: [{AT_A}, any_of]"), ""),
    (rule("a", "sum: [at_least, {decimal: '10'}]", deny=NO), rule("b", "sum: [greater_than, {decimal: '10.5'}]"), "b"),
    # a rule that cannot be judged denies: the other one has to deny there too
    (rule("a", "amount: [at_least, 5]"), rule("b", "amount: [at_least, 6], sum: [at_most, {decimal: '1'}]"), ""),
    (rule("a", "rate: [at_least, 5, match]"), rule("b", "rate: [at_least, 6, no_match]"), "b"),
    (rule("a", "rate: [at_least, 5, no_match]"), rule("b", "rate: [at_least, 6, match]"), ""),
    (rule("a", "rate: [at_least, 5, no_match]"), rule("b", "rate: [at_least, 6]"), ""),
    (rule("a", "rate: [at_least, 5]"), rule("b", "rate: [at_least, 6, no_match]"), "b"),
    (rule("a", "to: [in, [x], none_of]", deny=NO), rule("b", "to: [in, [y, x], none_of]"), "b"),
    # two reviews: the one asks as much as the other on every point, or does not
    (rule("a", review=TWO), rule("b", review=ONE), "b"),
    (rule("a", review=ONE), rule("b", review=TWO), "a"),
    (rule("a", review=TWO), rule("b", review=TWO), "b"),
    (rule("a", review=TWO), rule("b", review=OTHERS), ""),
    (rule("a", review=BOTH), rule("b", review=OTHERS), "b"),
    (rule("a", review=SOON), rule("b", review=TWO), "b"),
    (rule("a", review=SELF), rule("b", review=AHEAD), ""),
    (rule("a", review=SELF), rule("b", review=TWO), "a"),
    (rule("a", review=TWO), rule("b", review=AHEAD), "b"),
    (rule("a", review=RECENT), rule("b", review=MORE_RECENT), "a"),
    (rule("a", review=RECENT), rule("b", review=TWO), "b"),
    (rule("a", review=SOON), rule("b", review=RECENT), ""),
    (rule("a", review=TWO), rule("b", review=QUIET), "b"),
    (rule("a", review=QUIET), rule("b", review=ONE), ""),
    (rule("a", review=TWO), rule("b", review=ESCALATES), "b"),
    (rule("a", review=ESCALATES), rule("b", review=ONE), ""),
    (rule("a", review=ESCALATES), rule("b", review=SOONER), "b"),
    (rule("a", review=ESCALATES), rule("b", review=TO_FEWER), "a"),
    (rule("a", review=SOONER), rule("b", review=TO_FEWER), "a"),
    (rule("a", review=TO_OTHERS), rule("b", review=ESCALATES), ""),
    (rule("a", review={**SOON, "escalate": {**LATER, "after_minutes": 2}}), rule("b", review=SOONER), ""),
    (rule("a", "amount: [at_most, 5]"), rule("b", "amount: [at_most, 9]", review=ONE), ""),
    (rule("a", "amount: [at_most, 5]", review=ONE), rule("b", "amount: [at_most, 9]"), "a"),
    (rule("a", "amount: [in, [1, 2]]"), rule("b", "any: [amount: [equals, 2], amount: [equals, 1]]"), "b"),
    (rule("a", "confirmed: [equals, true]"), rule("b", "confirmed: [equals, false]"), ""),
    # who, where and what they look at
    (rule("a", match={"agents": ["x-*"]}), rule("b", match={"agents": ["x-1"]}), "b"),
    (rule("a", match={"agents": ["x-1"]}), rule("b", match={"agents": ["x-*"]}), "a"),
    (rule("a", match={"agents": ["x-1"]}), rule("b", match={"agents": ["x-2"]}), ""),
    (rule("a", match={"agents": ["x-1"]}), rule("b"), "a"),
    (rule("a", match={"environments": ["live"]}), rule("b", match={"environments": ["live", "test"]}), "a"),
    (rule("a", match={"environments": ["live"]}), rule("b", match={"agents": ["x"]}), ""),
    (rule("a", match={"requester_groups": ["s"]}), rule("b", match={"requester_groups": ["s", "t"]}), "a"),
    (rule("a", tools="pay.*"), rule("b", tools="pay.send"), "b"),
    (rule("a", tools="pay.*"), rule("b", tools="'*'"), "a"),
    (rule("a", tools="pay.*"), rule("b", tools="pay.send, files.delete"), ""),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "needless"), PAIRS)
def test_a_rule_that_changes_no_verdict_is_named_once(first: Any, second: Any, needless: str) -> None:
    found = [one for one in findings([first, second]) if one.code == "shadowed" and one.where != "rule rest"]
    assert [one.where for one in found] == ([f"rule {needless}"] if needless else [])
    if needless:
        kept = "b" if needless == "a" else "a"
        assert f"it changes no verdict, since rule {kept} " in found[0].problem
        assert found[0].problem.endswith(f"remove it, or narrow {kept}")


def test_of_many_rules_that_are_alike_the_first_is_left_in_peace() -> None:
    found = findings([rule(name) for name in ("c", "a", "b")])
    assert [one.where for one in found] == ["rule a", "rule b"]


def test_a_large_policy_compares_no_more_pairs_than_it_has_a_share_for(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def covers(other: Rule, rule: Rule, reach: Reach) -> bool:
        compared.append(rule.name)
        return False

    monkeypatch.setattr(shadows, "covers", covers)
    monkeypatch.setattr(shadows, "MAX_PAIRS", 1_000)
    findings([rule(f"r{at}", f"amount: [at_most, {at}]") for at in range(200)])
    assert 200 <= len(compared) <= 1_000


def test_rules_with_values_of_their_own_are_not_compared_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadows, "covers", lambda other, rule, reach: pytest.fail(f"{other.name} and {rule.name}"))
    kinds = ("path: [equals, f%d]", "path: [path_inside, f%d]", "path: [starts_with, f%d/]")
    written: Any = [rule(f"r{at}", kinds[at % 3] % at, FILES) for at in range(200)]
    assert lint.findings(documents.from_value({"format": 1, "rules": written}), {FILES: TOOLS[FILES]}) == []


def test_alternatives_without_end_are_given_up_on_in_silence() -> None:
    open_ones = [f"any: [sum: [contains, a{at}], due: [contains, b{at}]]" for at in range(16)]
    closed = ("any: [amount: [at_least, 9], amount: [equals, 8]]", "any: [amount: [at_most, 5], amount: [equals, 6]]")
    assert [code for code, _ in said(", ".join([*open_ones[:2], *closed]))] == ["never_matches"]
    assert said(", ".join([*open_ones, *closed])) == []


# Tools and test cases


def test_a_tool_without_a_rule_is_named_and_one_that_is_only_denied_is_not() -> None:
    written: Any = [
        rule("a", "", "pay.send, pay.hold"),
        rule("b", "", "pay.list", deny=NO),
        rule("c", "path: [path_inside, a]", "'*'"),
    ]
    found = lint.findings(documents.from_value({"format": 1, "rules": written}), TOOLS)
    problem = "no rule looks at it, so every call is denied; write a rule, or a deny that says why"
    assert found == [Finding("tool_without_rule", "tool web.get", problem, is_error=False)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"tool": "pay.sned"}, 'there is no tool pay.sned; did you mean "pay.send"?'),
        ({"tool": "pay.list"}, "no agent can propose this call, correct it: The call lacks `page`."),
        ({"tool": "pay.list", "arguments": {"page": "1"}}, "correct it: `page` must be a whole number."),
        ({"tool": "pay.list", "arguments": {"page": 1, "size": 5}}, "unknown fields"),
    ],
)
def test_a_case_that_no_agent_could_propose_is_an_error(call: dict[str, Any], words: str) -> None:
    (found,) = findings([], tests=[{"name": "mine", "call": call, "expect": {"outcome": "denied"}}])
    assert (found.code, found.where, found.is_error) == ("invalid_test", "test mine", True)
    assert words in found.problem


def test_what_cannot_work_is_an_error_and_what_works_otherwise_a_warning() -> None:
    errors = {"unknown_argument", "type_never_fits", "list_without_quantifier", "quantifier_without_list"}
    for when, code, _ in MISTAKES:
        assert [one.is_error for one in findings([rule("mine", when)])] == [code in errors]


GOOD = [
    ("amount: [at_most, 100]", "pay.send"),
    ("amount: [at_least, 1]", "pay.*"),
    ("amount: [at_least, 11]", "pay.*"),
    ("amount: [at_most, 10]", "pay.*"),
    ("tags: [equals, red, any_of]", "pay.send"),
    ("path: [path_inside, archive], path: [starts_with, .]", "files.delete"),
    ("page: [at_most, 5]", "'*'"),
    ("amount: [in, [1, 2, 3]]", "pay.send"),
    ("amount: [greater_than, 4], amount: [less_than, 6]", "pay.send"),
    ("currency: [equals, EUR]", "pay.send"),
    ("confirmed: [equals, false]", "pay.send"),
    ("priority: [at_least, 4]", "pay.send"),
    ("note: [contains, urgent, no_match]", "pay.send"),
    ("note: [is_present]", "pay.send"),
    ("rate: [at_least, 0, no_match]", "pay.send"),
    ("card.land: [equals, DE, match]", "pay.send"),
    ("sum: [at_most, {decimal: '100.00'}]", "pay.send"),
    ("due: [at_most, {date: '2026-12-31'}]", "pay.send"),
    ("not: {to: [email_domain_in, [example.com], all_of]}", "pay.send"),
    ("to: [ends_with, '@a.com', any_of], to: [ends_with, '@b.com', any_of]", "pay.send"),
    ("to: [length_at_most, 3]", "pay.send"),
    ("cc: [ends_with, '@a.com', all_of, match]", "pay.send"),
    ("path: [path_inside, archive]", "files.*"),
    ("path: [path_inside, archive], not: {path: [path_inside, archive/2026]}", "files.delete"),
    ("path: [path_inside, archive], path: [starts_with, './a']", "files.delete"),
    ("path: [matches, '.*\\.(csv|txt)']", "files.delete"),
    ("url: [url_host_in, [api.example.com]]", "web.get"),
    ("any: [amount: [at_most, 4], amount: [at_least, 6]]", "pay.send"),
    ("", "pay.*, files.delete"),
]  # fmt: skip


@pytest.mark.parametrize(("when", "tools"), GOOD)
def test_a_good_rule_is_left_in_peace(when: str, tools: str) -> None:
    assert said(when, tools) == []


def test_the_demos_policy_is_left_in_peace() -> None:
    tools = registry.load(["policy.tools.files", "policy.tools.email", "policy.tools.http"])
    schemas = {name: definition.schema for name, definition in tools.items()}
    assert lint.findings(documents.load(DEMO.read_text()), schemas) == []


# Lint is never wrong: what it says of a rule holds for every call that the schema lets through


def sound(rules: list[Any]) -> tuple[documents.Document, list[Finding], set[str]]:
    """Return a document, what lint says of it, and the arguments that it names; a document with errors is none."""
    document = documents.from_value({"format": 1, "rules": rules})
    found = lint.findings(document, {TOOL: SCHEMA})
    assume(not any(finding.is_error for finding in found))
    return document, found, {name for rule in document.rules for name in rule.argument_names()}


def test_every_call_of_the_pools_is_one_that_the_schema_lets_through() -> None:
    for name in VALUES:
        assert not any(schemas.violations(TOOL, SCHEMA, call.arguments) for call in calls([name]))


@random_cases
@given(rules(1))
def test_a_condition_that_always_or_never_holds_does_so_for_every_call(written: list[dict[str, Any]]) -> None:
    document, found, names = sound(written)
    codes = {finding.code for finding in found}
    (only,) = document.rules
    tool = Tool(TOOL, SCHEMA)
    parts = [part for part in only.when.parts if reasoning.always_holds(tool, part)]
    assert not parts or "always_true" in codes or "never_matches" in codes
    for call in calls(names) if parts or "never_matches" in codes else ():
        facts = Facts.of(call.proposal(SCHEMA))
        assert all(isinstance(answer(part, facts), Held) for part in parts)
        assert not ("never_matches" in codes and isinstance(answer(only.when, facts), Held))


@random_cases
@given(rules(3), st.randoms(use_true_random=False))
def test_a_shadowed_rule_changes_no_verdict(written: list[dict[str, Any]], chance: Any) -> None:
    document, found, names = sound(written)
    for finding in found:
        if finding.code == "shadowed":
            rest = [one for one in document.rules if finding.where != f"rule {one.name}"]
            before, after = document.compiled(), compile_rules(rest)
            everyone = list(calls(names, everyone=True))
            for call in chance.sample(everyone, min(CALLS, len(everyone))):
                proposal = call.proposal(SCHEMA)
                assert asked(evaluate(proposal, before)) == asked(evaluate(proposal, after))


def asked(verdict: Verdict) -> Verdict:
    """Return a verdict without the names of its rules."""
    return replace(verdict, reasons=(), matched=())
