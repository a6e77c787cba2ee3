"""Policies as documents: the way in and out, the mistakes of a tired author, test cases, and the fit with the tools."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audit import canonical
from policy import documents, lint, sentences, yaml_text
from policy.documents import Document
from policy.errors import DocumentError
from policy.fitting import Fitting
from policy.verdict import Outcome
from tests.policy.strategies import POLICY

DEMO = Path(__file__).parents[2] / "m1site" / "demo" / "policy.yaml"
GOOD = """\
format: 1
rules:
  - name: small-payments
    match:
      tools: [pay.send]
      agents: [demo, support-*]
    when:
      - argument: amount
        operator: at_most
        value: 100
    review:
      requirements:
        - count: 1
          groups: [approver]
tests:
  - name: small
    call:
      tool: pay.send
      arguments: {amount: 5}
      agent: demo
    expect:
      outcome: needs_approval
"""
NUMBER = {"type": "integer"}
TOOLS: dict[str, Any] = {
    "pay.send": {
        "type": "object",
        "additionalProperties": False,
        "required": ["amount"],
        "properties": {
            "amount": NUMBER,
            "to": {"type": "array", "items": {"type": "string"}},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "card": {"$ref": "#/$defs/Card"},
            "either": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Card"}]},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "$defs": {
            "Card": {"type": "object", "properties": {"land": {"type": "string", "default": "DE"}, "pin": NUMBER}}
        },
    },
    "pay.list": {"type": "object", "additionalProperties": False, "properties": {"page": NUMBER}},
}
some_cases = settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def from_rules(rules: list[Any], **fields: Any) -> Document:
    return documents.from_value({"format": 1, "rules": rules, **fields})


def good_value() -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load(GOOD)
    return value


def refused(text: str) -> list[dict[str, Any]]:
    with pytest.raises(DocumentError) as error:
        documents.load(text)
    problems = error.value.facts["problems"]
    assert isinstance(problems, list)
    assert str(problems[0]["problem"]) in str(error.value)
    return problems


# The way in and out


@some_cases
@given(POLICY.filter(bool), st.text())
def test_a_document_is_read_back_as_it_was_written(rules: list[dict[str, Any]], note: str) -> None:
    try:
        document = from_rules(rules, note=note)
    except DocumentError as exc:
        assert "note" in str(exc)
        return
    assert documents.load(documents.dump(document)) == document
    assert documents.from_value(canonical.parse(documents.canonical(document))) == document
    assert documents.digest(documents.load(documents.dump(document))) == documents.digest(document)


@some_cases
@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"])),
              st.floats(allow_nan=False, allow_infinity=False, width=16)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text("abyn01:#-. ", min_size=1), inner)),
    max_leaves=10,
))  # fmt: skip
@example(0.00012345678901234567)
def test_every_json_value_survives_yaml(value: Any) -> None:
    assert yaml_text.read(yaml_text.write(value))[0] == value


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "y", "true", "null", "~", "", " ", "010", "0o17", "0x1f", "1e5", "1_000", "1:30", "+1", ".5",
     "1.", ".inf", "2026-01-31", "<<", "=", "- a", "a: b", "# a", "*a", "&a", "!a", "%a", "@a", "`a`", "{a}", "[a]",
     "'", '"', "a\nb", "a\n", "\na", "a \n b", "a\tb", "\u202e", "\U0001f600", "\xa0", "é" * 200, "---", "..."],
)  # fmt: skip
def test_a_text_that_yaml_could_take_for_something_else_survives(text: str) -> None:
    assert yaml_text.read(yaml_text.write({"key": text, text or "k": [text]}))[0] == {"key": text, text or "k": [text]}


@pytest.mark.parametrize("word", ["127.0.0.1", "1.2.3", "a-1", "yesterday", "2026-01", "12 apples", "support-*", "a:b"])
def test_a_plain_word_needs_no_quotes(word: str) -> None:
    assert yaml_text.read(f"key: {word}")[0] == {"key": word}


def test_the_digest_does_not_depend_on_how_the_yaml_is_written() -> None:
    compact = yaml.safe_dump(good_value(), default_flow_style=True, sort_keys=True)
    assert documents.digest(documents.load(compact)) == documents.digest(documents.load(f"# hello\n{GOOD}"))
    stricter = GOOD.replace("value: 100", "value: 99")
    assert documents.digest(documents.load(stricter)) != documents.digest(documents.load(GOOD))


def test_defaults_are_the_strict_ones_and_are_written_out() -> None:
    written = documents.to_value(documents.load(GOOD))
    effect = json.loads(canonical.encode(written))["rules"][0]["review"]
    requirements = effect.pop("requirements")
    assert requirements == [{"count": 1, "groups": ["approver"]}]
    assert effect == {
        "preauthorization": False, "open_minutes": 1440, "sign_in_minutes": None, "allow_self": False,
        "reminders": True, "escalate": None,
    }  # fmt: skip


def escalate(said: str) -> tuple[str, str]:
    """Return what becomes of a line where the review escalates."""
    return "    review:", f"    review:\n      escalate: {said}"


# The mistakes of a tired author: (what the line becomes, line, field, what is said)

MISTAKES = [
    ("format: 1", "format: 2", 1, "format", "must be 1"),
    ("format: 1", "format: true", 1, "format", "must be 1"),
    ("format: 1\n", "", 1, "format", "is missing"),
    ("rules:", "rule:", 2, "rule", 'did you mean "rules"'),
    ("name: small-payments", "nmae: small-payments", 3, "rules[0].nmae", 'did you mean "name"'),
    ("name: small-payments", "name: Small payments", 3, "rules[0].name", "small letters"),
    ("name: small-payments", "name:", 3, "rules[0].name", "says nothing"),
    ("name: small-payments", "name: 12", 3, "rules[0].name", "must be a text"),
    ("      tools: [pay.send]\n", "", 4, "rules[0].match.tools", "is missing"),
    ("tools: [pay.send]", "tool: [pay.send]", 5, "rules[0].match.tool", 'did you mean "tools"'),
    ("tools: [pay.send]", "tools: pay.send", 5, "rules[0].match.tools", "must be a list"),
    ("tools: [pay.send]", "tools: []", 5, "rules[0].match.tools", "is empty"),
    ("tools: [pay.send]", "tools: [pay*]", 5, "rules[0].match.tools[0]", "payments.*"),
    ("tools: [pay.send]", "tools: [pay.*.send]", 5, "rules[0].match.tools[0]", "payments.*"),
    ("tools: [pay.send]", 'tools: ["*.send"]', 5, "rules[0].match.tools[0]", "payments.*"),
    ("tools: [pay.send]", "tools: [pay__send]", 5, "rules[0].match.tools[0]", "payments.*"),
    ("tools: [pay.send]", "tools: [p\u0430y.send]", 5, "rules[0].match.tools[0]", "payments.*"),
    ("tools: [pay.send]", "tools: [pay.send, pay.send]", 5, "rules[0].match.tools[1]", "repeats"),
    ("tools: [pay.send]", "tools: [*]", 5, "document", "is not YAML"),
    ("agents: [demo, support-*]", "agents: [sup*port]", 6, "rules[0].match.agents[0]", "star at the end"),
    ("agents: [demo, support-*]", "agents: ['*']", 6, "rules[0].match.agents[0]", "must be an agent's name"),
    ("agents: [demo, support-*]", "agents: [' demo']", 6, "rules[0].match.agents[0]", "must be an agent's name"),
    ("agents: [demo, support-*]", "requester_groups: [' a']", 6, "rules[0].match.requester_groups[0]", "spaces"),
    ("agents: [demo, support-*]", "environments: []", 6, "rules[0].match.environments", "is empty"),
    ("agents: [demo, support-*]", "agents: [no]", 6, "rules[0].match.agents[0]", '"no" can be read in two ways'),
    ("    when:", "    where:", 7, "rules[0].where", 'did you mean "when"'),
    ("operator: at_most", "operator: at most", 9, "rules[0].when[0].operator", 'did you mean "at_most"'),
    ("value: 100", "value: '100'", 10, "rules[0].when[0].value", "must be a number, or {decimal"),
    ("value: 100", "value: 1_000", 10, "rules[0].when[0].value", "can be read in two ways"),
    ("value: 100", "value: 0100", 10, "rules[0].when[0].value", "can be read in two ways"),
    ("value: 100", "value: 0o17", 10, "rules[0].when[0].value", "can be read in two ways"),
    ("value: 100", "value: 089", 10, "rules[0].when[0].value", "can be read in two ways"),
    ("value: 100", "value: y", 10, "rules[0].when[0].value", "can be read in two ways"),
    ("value: 100", "value: 1e999", 10, "rules[0].when[0].value", "can be read in two ways"),
    ("value: 100", "value: .nan", 10, "rules[0].when[0].value", "can be read in two ways"),
    ("value: 100", "value: 2026-01-31", 10, "rules[0].when[0].value", "can be read in two ways"),
    ("value: 100", "value: 100\n        value: 1000", 11, "rules[0].when[0].value", "twice, first in line 10"),
    ("value: 100", "value: 100\n        if_absent: match", 11, "rules[0].when[0].if_absent", "is not a field here"),
    ("    review:", "    allow:", 11, "rules[0].allow", "is not a field here"),
    ("    review:", "    deny: {message: No.}\n    review:", 3, "rules[0]", "exactly one of deny and review"),
    ("    review:", "    deny:", 12, "rules[0].deny.requirements", "is not a field here"),
    ("- count: 1", "- count: 0", 13, "rules[0].review.requirements[0].count", "between 1 and 20"),
    ("- count: 1", "- count: -1", 13, "rules[0].review.requirements[0].count", "between 1 and 20"),
    ("- count: 1", "- count: true", 13, "rules[0].review.requirements[0].count", "whole number"),
    ("- count: 1", "- count: 1.5", 13, "rules[0].review.requirements[0].count", "whole number"),
    ("- count: 1", "- count: two", 13, "rules[0].review.requirements[0].count", "whole number"),
    ("groups: [approver]", "groups: []", 14, "rules[0].review.requirements[0].groups", "is empty"),
    ("groups: [approver]", "groups: ['']", 14, "rules[0].review.requirements[0].groups[0]", "is empty"),
    ("groups: [approver]", "groups: [a, a]", 14, "rules[0].review.requirements[0].groups[1]", "repeats"),
    ("groups: [approver]", "group: [approver]", 14, "rules[0].review.requirements[0].group", "is not a field"),
    (
        "groups: [approver]",
        "groups: [a, b]\n        - {count: 2, groups: [b, a]}",
        15,
        "rules[0].review.requirements[1].groups",
        "merge the two",
    ),
    ("      requirements:\n        - count: 1\n          groups: [approver]\n", "      requirements: []\n", 12,
     "rules[0].review.requirements", "is empty"),
    ("    review:", "    review:\n      open_minutes: 0", 12, "rules[0].review.open_minutes", "between 1 and"),
    ("    review:", "    review:\n      sign_in_minutes: 0", 12, "rules[0].review.sign_in_minutes", "between 1 and"),
    ("    review:", "    review:\n      allow_self: 'no'", 12, "rules[0].review.allow_self", "true or false"),
    ("    review:", "    review:\n      allow_self: yes", 12, "rules[0].review.allow_self", "read in two ways"),
    ("    review:", "    review:\n      preauthorisation: true", 12, "rules[0].review.preauthorisation",
     'did you mean "preauthorization"'),
    ("    review:", "    review:\n      reminders: 1", 12, "rules[0].review.reminders", "true or false"),
    ("    review:", "    review:\n      reminder: false", 12, "rules[0].review.reminder", 'did you mean "reminders"'),
    (*escalate("30"), 12, "rules[0].review.escalate", "must be a mapping"),
    (*escalate("{groups: [board]}"), 12, "rules[0].review.escalate.after_minutes", "is missing"),
    (*escalate("{after_minutes: 30}"), 12, "rules[0].review.escalate.groups", "is missing"),
    (*escalate("{after_minutes: 30, groups: []}"), 12, "rules[0].review.escalate.groups", "is empty"),
    (*escalate("{after_minutes: 30, groups: [a, a]}"), 12, "rules[0].review.escalate.groups[1]", "repeats"),
    (*escalate("{after_minutes: 30, groups: [' a']}"), 12, "rules[0].review.escalate.groups[0]", "without spaces"),
    (*escalate("{after_minutes: 0, groups: [a]}"), 12, "rules[0].review.escalate.after_minutes", "between 1 and"),
    (*escalate("{after_minutes: true, groups: [a]}"), 12, "rules[0].review.escalate.after_minutes", "whole number"),
    (*escalate("{after_minutes: 30, groups: [a], count: 1}"), 12, "rules[0].review.escalate.count", "not a field here"),
    (*escalate("{after_minutes: 1440, groups: [a]}"), 12, "rules[0].review.escalate.after_minutes",
     "must be less than open_minutes, which is 1440"),
    (*escalate("{after_minutes: 60, groups: [a]}\n      open_minutes: 60"), 12,
     "rules[0].review.escalate.after_minutes", "must be less than open_minutes, which is 60"),
    ("tests:", "tests: &x", 15, "tests", "anchor or alias"),
    ("tests:", "tests: !!seq", 15, "tests", "uses a tag"),
    ("      agent: demo", "      agnet: demo", 20, "tests[0].call.agnet", 'did you mean "agent"'),
    ("{amount: 5}", "[amount]", 19, "tests[0].call.arguments", "must be a mapping"),
    ("{amount: 5}", "{amount: 9007199254740993}", 19, "tests[0].call.arguments", "no canonical JSON form"),
    ("outcome: needs_approval", "outcome: approved", 22, "tests[0].expect.outcome", "denied, needs_approval"),
    ("outcome: needs_approval", "outcome: preauthorized", 22, "tests[0].expect.outcome", "denied, needs_approval"),
    ("outcome: needs_approval", "outcome: denied\n      rules: [small-payment]", 23, "tests[0].expect.rules",
     'did you mean "small-payments"'),
    ("outcome: needs_approval", "outcome: denied\n---\nformat: 1", 23, "document", "second document"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "line", "field", "problem"), MISTAKES)
def test_a_tired_authors_mistake_is_named_with_its_line(
    before: str, after: str, line: int, field: str, problem: str
) -> None:
    assert GOOD.count(before) >= 1
    found = refused(GOOD.replace(before, after, 1))[0]
    assert (found["line"], found["field"]) == (line, field)
    assert problem in found["problem"]


# Conditions as they are typed late at night: (what stands after `when:`, field, what is said)

TYPED = [
    ("[{argument: amount, operator: '>=', value: 5}]", "[0].operator", "is not an operator"),
    ("[{argument: amount, operator: between, value: [1, 5]}]", "[0].operator", "is not an operator"),
    ("[{argument: amount, operator: at_least, value: 5 EUR}]", "[0].value", "must be a number, or {decimal"),
    ("[{argument: amount, operator: at_least, value: 1,000}]", "[0].000", "says nothing"),
    ("[{argument: amount, operator: at_least, value: {decimal: 1.50}}]", "[0].value.decimal", "put it in quotes"),
    ("[{argument: amount, operator: at_least, value: {date: 2026-01-31}}]", "[0].value.date", "read in two ways"),
    ("[{argument: amount, operator: at_least, value: {date: '31.01.2026'}}]", "[0].value", "not a date like 2026"),
    ("[{argument: amount, operator: at_least, value: {time: '2026-01-31 12:00'}}]", "[0].value", "not a time like"),
    ("[{argument: amount, operator: in, value: [1, 1.0]}]", "[0].value[1]", "repeats"),
    ("[{argument: amount, operator: in, value: [1, '2']}]", "[0].value", "mixes kinds of values: number, text"),
    ("[{argument: land, operator: in, value: [DE, NO]}]", "[0].value[1]", '"NO" can be read in two ways'),
    ("[{argument: amount, operator: equals, value: 5, if_missing: no}]", "[0].if_missing", "can be read in two ways"),
    ("[{argument: amount, operator: equals, value: 5, if_missing: deny}]", "[0].if_missing", "must be one of match,"),
    ("[{argument: 'to.*', operator: equals, value: a}]", "[0].argument", "dotted for what lies in it"),
    ("[{argument: note, operator: matches, value: *.csv}]", None, "is not YAML"),
    ("[{argument: note, operator: matches, value: '*.csv'}]", "[0].value", "is not an RE2 pattern"),
    ("[{argument: path, operator: path_inside, value: ~/archive}]", "[0].value", "is not a plain path"),
    ("[{argument: path, operator: path_inside, value: 'archive\\a'}]", "[0].value", "is not a plain path"),
    ("{argument: amount, operator: equals, value: 5}", "", "write it in [brackets]"),
    ("[{any: {argument: amount, operator: equals, value: 5}}]", "[0].any", "write it in [brackets]"),
    ("[{not: [{argument: amount, operator: equals, value: 5}]}]", "[0].not", "must be a mapping"),
    ("[{or: [{argument: amount, operator: equals, value: 5}]}]", "[0].or", "is not a field here"),
    ("[amount: at_least 5]", "[0].amount", "is not a field here"),
]  # fmt: skip


@pytest.mark.parametrize(("when", "field", "problem"), TYPED)
def test_a_condition_typed_late_at_night_is_named(when: str, field: str | None, problem: str) -> None:
    head = "format: 1\nrules:\n- name: mine\n  match: {tools: [pay.send]}\n  deny: {message: No.}\n  when: "
    found = refused(head + when)[0]
    assert (found["line"], found["field"]) == (6, "document" if field is None else f"rules[0].when{field}")
    assert problem in found["problem"]


def test_every_rule_and_test_with_a_mistake_is_told_at_once() -> None:
    value = good_value()
    value["rules"] += [{**value["rules"][0], "name": "b", "match": {}}, {**value["rules"][0], "name": "C"}]
    value["tests"][0]["expect"] = {}
    fields = [found["field"] for found in refused(json.dumps(value))]
    assert fields == ["rules[1].match.tools", "rules[2].name", "tests[0].expect.outcome"]


def test_names_are_given_once() -> None:
    value = good_value()
    value["rules"] *= 2
    value["tests"] *= 2
    assert [found["field"] for found in refused(json.dumps(value))] == ["rules[1].name", "tests[1].name"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("# only a comment", "is empty"),
        ("[]", "must be a mapping"),
        ("just text", "must be a mapping"),
        ("a: [", "is not YAML"),
        ("\x00", "is not YAML"),
        ("a: \ud800", "half a character"),
        ("a: &x [1]\nb: *x", "anchor"),
        ("a: !!python/object/apply:os.system ['true']", "uses a tag"),
        ("<<: {format: 1}", "is not a field here"),
        ("? [a, b]\n: 1", "whose name is not a plain text"),
        ("[" * 100_000, "nested deeper"),
        ("{a: " * 5_000, "nested deeper"),
        ("note: " + "x" * 5_000_001, "is larger than"),
        ("format: 1\nnote: ''\nrules: []", "is empty"),
        ('format: 1\nnote: "a\\0b"\nrules: []', "control characters"),
        ("format: 1\nrules: []", "is empty"),
        ("format: 1\nrules: {}", "must be a list"),
    ],
)
def test_a_text_that_is_no_document_is_refused_before_anything_large_is_built(text: str, problem: str) -> None:
    assert problem in refused(text)[0]["problem"]


def test_a_document_has_a_most_of_everything() -> None:
    value = good_value()
    many = [{**value["rules"][0], "name": f"r{at}"} for at in range(10_001)]
    with pytest.raises(DocumentError, match="more than 10000 entries"):
        from_rules(many)


# Test cases


def test_the_demos_policy_passes_its_own_cases() -> None:
    document = documents.load(DEMO.read_text())
    assert document.tests
    assert documents.run_tests(document) == []
    assert documents.load(documents.dump(document)) == document


@pytest.mark.parametrize(
    ("expect", "problem"),
    [
        ({"outcome": "denied"}, "expected denied, got needs_approval"),
        ({"outcome": "needs_approval", "rules": []}, "expected the rules none to match, got small-payments"),
        (
            {"outcome": "needs_approval", "requirements": [{"count": 2, "groups": ["approver"]}]},
            "expected approval by 2 members of approver, got 1 member of approver",
        ),
        ({"outcome": "needs_approval", "preauthorization": True}, "expected that a pre-authorisation may stand in"),
    ],
)
def test_a_case_that_fails_says_what_differs(expect: dict[str, Any], problem: str) -> None:
    value = good_value()
    value["tests"][0]["expect"] = expect
    (failure,) = documents.run_tests(documents.from_value(value))
    assert (failure.case, failure.problem, failure.verdict.outcome) == ("small", problem, Outcome.NEEDS_APPROVAL)


def test_an_unanchored_pattern_is_found_out_by_its_case() -> None:
    value = good_value()
    value["rules"][0]["when"] = [{"argument": "note", "operator": "matches", "value": "urgent"}]
    value["tests"][0]["call"]["arguments"] = {"note": "this is urgent now"}
    assert documents.run_tests(documents.from_value(value))


def test_a_case_takes_its_tools_defaults() -> None:
    value = good_value()
    value["rules"][0]["when"] = [{"argument": "card.land", "operator": "equals", "value": "DE"}]
    value["tests"][0]["call"]["arguments"] = {"amount": 1, "card": {}}
    document = documents.from_value(value)
    assert documents.run_tests(document, TOOLS) == []
    assert documents.run_tests(document)[0].verdict.outcome is Outcome.DENIED


# The fit with the tools


def fitted(condition: dict[str, Any], tools: tuple[str, ...] = ("pay.send",)) -> list[str]:
    value = good_value()
    value["rules"][0] |= {"when": [condition], "match": {"tools": list(tools)}}
    (rule,) = documents.from_value(value).rules
    return [found.problem for found in Fitting(TOOLS).of_rule(rule)]


def part(argument: str, operator: str, value: Any, **fields: str) -> dict[str, Any]:
    return {"argument": argument, "operator": operator, "value": value, **fields}


@pytest.mark.parametrize(
    ("condition", "tools"),
    [
        (part("amount", "at_most", 5), ("pay.send",)),
        (part("amount", "at_most", 5), ("pay.*",)),
        (part("page", "at_most", 5), ("*",)),
        (part("note", "starts_with", "a", if_missing="match"), ("pay.send",)),
        (part("card.land", "equals", "DE"), ("pay.send",)),
        (part("headers.X-Trace", "equals", "1"), ("pay.send",)),
        (part("to", "email_domain_in", ["example.com"], quantifier="all_of"), ("pay.send",)),
        (part("to", "length_at_most", 3), ("pay.send",)),
        (part("either", "equals", "a"), ("pay.send",)),
        ({"argument": "amount", "operator": "is_present"}, ("pay.send",)),
    ],
)
def test_a_condition_that_fits_the_schema_is_no_finding(condition: dict[str, Any], tools: tuple[str, ...]) -> None:
    assert fitted(condition, tools) == []


@pytest.mark.parametrize(
    ("condition", "tools", "problem"),
    [
        (part("amount", "at_most", 5), ("pay.sned",), 'there is no tool pay.sned; did you mean "pay.send"?'),
        (part("amount", "at_most", 5), ("files.*",), "there is no tool files.*"),
        (part("amuont", "at_most", 5), ("pay.send",), 'pay.send has no argument `amuont`; did you mean "amount"?'),
        (part("amount", "at_most", 5), ("pay.send", "pay.list"), "pay.list has no argument `amount`"),
        (part("amuont", "at_most", 5), ("pay.*",), 'pay.* has no argument `amuont`; did you mean "amount"?'),
        (part("card.lnad", "equals", "DE"), ("pay.send",), "pay.send has no argument `card.lnad`"),
        (part("amount.x", "equals", "DE"), ("pay.send",), "pay.send has no argument `amount.x`"),
        (part("either.land", "equals", "DE"), ("pay.send",), "pay.send has no argument `either.land`"),
        (part("amount", "equals", "5"), ("pay.send",), "pay.send: `amount` is integer, but equals here needs string"),
        (part("amount", "in", [True]), ("pay.send",), "pay.send: `amount` is integer, but in here needs boolean"),
        (
            part("card.pin", "starts_with", "1"),
            ("pay.send",),
            "pay.send: `card.pin` is integer, but starts_with here needs string",
        ),
        (
            part("to", "equals", "a"),
            ("pay.send",),
            "pay.send: `to` is a list; say any_of, all_of or none_of",
        ),
        (
            part("amount", "equals", 5, quantifier="any_of"),
            ("pay.send",),
            "pay.send: `amount` is no list, so any_of can never be judged",
        ),
        (
            part("to", "equals", 5, quantifier="any_of"),
            ("pay.send",),
            "pay.send: `to` is string, but equals here needs integer or number",
        ),
    ],
)
def test_a_rule_about_what_is_not_there_stops_publishing(
    condition: dict[str, Any], tools: tuple[str, ...], problem: str
) -> None:
    (said,) = fitted(condition, tools)
    assert said.startswith(problem)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ({"tool": "pay.sned"}, "there is no tool pay.sned"),
        ({"tool": "pay.send", "arguments": {"amuont": 5}}, "has unknown fields"),
        ({"tool": "pay.send", "arguments": {"amount": "5"}}, "must be a whole number"),
    ],
)
def test_a_case_that_no_agent_could_propose_stops_publishing(call: dict[str, Any], problem: str) -> None:
    value = good_value()
    value["tests"][0]["call"] = call
    found = lint.findings(documents.from_value(value), TOOLS)
    assert any(finding.where == "test small" and problem in finding.problem for finding in found)


# The schema for editors


def editor() -> Any:
    return jsonschema_rs.validator_for(documents.schema(), offline=True)


def test_the_schema_is_one() -> None:
    jsonschema_rs.meta.validate(documents.schema())
    assert documents.load(GOOD) == documents.from_value(good_value())


@some_cases
@given(POLICY.filter(bool))
def test_the_schema_accepts_what_is_written(rules: list[dict[str, Any]]) -> None:
    document = from_rules(rules)
    errors = [str(error) for error in editor().iter_errors(documents.to_value(document))]
    assert errors == []


def test_the_schema_accepts_the_demos_policy() -> None:
    document = documents.load(DEMO.read_text())
    assert editor().is_valid(documents.to_value(document))
    assert editor().is_valid(yaml.safe_load(DEMO.read_text()))


@pytest.mark.parametrize(("before", "after", "line", "field", "problem"), MISTAKES)
def test_the_schema_marks_a_mistake_in_the_editor(before: str, after: str, line: int, field: str, problem: str) -> None:
    beyond_a_schema = ("two ways", "says nothing", "not YAML", "twice", "anchor", "tag", "second document", "merge the",
                       "no canonical", "small-payments", "less than open_minutes")  # fmt: skip
    if not any(words in problem for words in beyond_a_schema):
        assert not editor().is_valid(yaml.safe_load(GOOD.replace(before, after, 1)))


# Sentences


def test_a_rule_explains_itself() -> None:
    value = good_value()
    rule = value["rules"][0]
    rule["match"] |= {"environments": ["live"], "requester_groups": ["staff"]}
    rule["review"] |= {"sign_in_minutes": 15, "preauthorization": True, "allow_self": True, "open_minutes": 120}
    (read,) = documents.from_value(value).rules
    plain = (
        "When a call of pay.send by agent demo or support-* in environment live is asked for by a member of staff and "
        "`amount` is at most 100: 1 member of approver must approve within 2 hours, having signed in within 15 "
        "minutes. A pre-authorisation may stand in. The requester may approve too."
    )
    assert sentences.rule(read) == plain
    rule["review"] |= {"reminders": False, "escalate": {"after_minutes": 60, "groups": ["legal", "board"]}}
    (read,) = documents.from_value(value).rules
    later = " After 1 hour members of board or legal may approve in their place."
    assert sentences.rule(read) == f"{plain}{later} Nobody is reminded."


def test_a_document_is_a_value() -> None:
    assert Document((), (), "a") == Document((), (), "a")
    assert hash(documents.load(GOOD).rules) == hash(documents.load(GOOD).rules)
