"""The words of the policy language, one by one: what each says yes to, no to, and what it refuses to judge."""

from typing import Any

import pytest

from policy import conditions, sentences
from policy.conditions import Error, Held, NotHeld
from policy.errors import FieldError
from policy.operators import OPERATORS

TYPED = {"decimal": "100.00"}
YES, NO, UNJUDGED = Held, NotHeld, Error

TABLE = [
    # operator, value in the rule, argument, answer
    ("equals", "a", "a", YES),
    ("equals", "a", "A", NO),
    ("equals", "a", "a ", NO),
    ("equals", "é", "e\u0301", NO),
    ("equals", 1, 1, YES),
    ("equals", 1, 1.0, YES),
    ("equals", 1, True, UNJUDGED),
    ("equals", True, True, YES),
    ("equals", True, 1, UNJUDGED),
    ("equals", False, 0, UNJUDGED),
    ("equals", "1", 1, UNJUDGED),
    ("equals", {"decimal": "1.0"}, "1.00", YES),
    ("equals", {"decimal": "1.0"}, 1, UNJUDGED),
    ("not_equals", "a", "b", YES),
    ("not_equals", "a", "a", NO),
    ("not_equals", "a", 1, UNJUDGED),
    ("in", ["a", "b"], "b", YES),
    ("in", ["a", "b"], "ab", NO),
    ("in", ["a", "b"], ["a"], UNJUDGED),
    ("in", [0, 1], True, UNJUDGED),
    ("not_in", ["a", "b"], "c", YES),
    ("not_in", ["a", "b"], "a", NO),
    ("not_in", ["a", "b"], 1, UNJUDGED),
    ("greater_than", 5, 5, NO),
    ("greater_than", 5, 5.0000001, YES),
    ("at_least", 5, 5, YES),
    ("at_least", 5, 4, NO),
    ("less_than", 5, 5, NO),
    ("less_than", 0.3, 0.1 + 0.2, NO),
    ("at_most", 5, 5, YES),
    ("at_most", 5, 6, NO),
    ("at_most", 5, "5", UNJUDGED),
    ("at_most", 5, True, UNJUDGED),
    ("at_most", 5, float("nan"), UNJUDGED),
    ("at_most", 5, float("-inf"), UNJUDGED),
    ("at_most", 2**53 - 1, 2**53 - 1, YES),
    ("at_most", 2**53 - 1, 10**400, NO),
    ("at_most", TYPED, "100", YES),
    ("at_most", TYPED, "100.0000000000000000000000000001", NO),
    ("at_most", TYPED, "-1000000000000000000000", YES),
    ("at_most", TYPED, 100, UNJUDGED),
    ("at_most", TYPED, "1e2", UNJUDGED),
    ("at_most", TYPED, "NaN", UNJUDGED),
    ("at_most", TYPED, "1,00", UNJUDGED),
    ("at_most", TYPED, " 1", UNJUDGED),
    ("at_most", TYPED, "1\n", UNJUDGED),
    ("at_most", TYPED, "\u0661", UNJUDGED),
    ("less_than", {"date": "2026-02-01"}, "2026-01-31", YES),
    ("less_than", {"date": "2026-02-01"}, "2026-02-01", NO),
    ("less_than", {"date": "2026-02-01"}, "2026-02-30", UNJUDGED),
    ("less_than", {"date": "2026-02-01"}, "20260131", UNJUDGED),
    ("less_than", {"date": "2026-02-01"}, "2026-01-31T00:00:00Z", UNJUDGED),
    ("at_least", {"time": "2026-01-31T12:00:00Z"}, "2026-01-31T13:00:00+01:00", YES),
    ("at_least", {"time": "2026-01-31T12:00:00Z"}, "2026-01-31T12:59:59.5+01:00", NO),
    ("at_least", {"time": "2026-01-31T12:00:00Z"}, "2026-01-31T13:00:00", UNJUDGED),
    ("at_least", {"time": "2026-01-31T12:00:00Z"}, "2026-01-31T24:00:00Z", UNJUDGED),
    ("at_least", {"time": "2026-01-31T12:00:00Z"}, "2026-01-31T13:00:00+99:00", UNJUDGED),
    ("starts_with", "ab", "abc", YES),
    ("starts_with", "ab", "Abc", NO),
    ("starts_with", "ab", ["ab"], UNJUDGED),
    ("ends_with", ".txt", "a.txt", YES),
    ("ends_with", ".txt", "a.txt\n", NO),
    ("contains", "b", "abc", YES),
    ("contains", "b", "ac", NO),
    ("contains", "b", ["b"], UNJUDGED),
    # A pattern must match the whole text, whether its author anchored it or not.
    ("matches", "archive", "archive", YES),
    ("matches", "archive", "my archive", NO),
    ("matches", "archive", "archive2", NO),
    ("matches", "archive", "archive\n", NO),
    ("matches", "^archive$", "archive", YES),
    ("matches", "^archive$", "archive\n", NO),
    ("matches", "(?m)^archive$", "archive\nevil", NO),
    ("matches", "a|b", "ab", NO),
    ("matches", "a|ab", "ab", YES),
    ("matches", ".*", "a\nb", NO),
    ("matches", "(?s).*", "a\nb", YES),
    ("matches", "(?i)ARCHIVE", "archive", YES),
    ("matches", "[0-9]+", 12, UNJUDGED),
    ("matches", "(a+)+", "a" * 9_000 + "!", NO),
    ("matches", "a*", "a" * 10_001, UNJUDGED),
    ("matches", "a*", "\ud800", UNJUDGED),
    ("path_inside", "archive", "archive/2019/a.txt", YES),
    ("path_inside", "archive", "archive", YES),
    ("path_inside", "archive", "archive/", YES),
    ("path_inside", "archive/", "./archive//a.txt", YES),
    ("path_inside", "archive", "archives/a.txt", NO),
    ("path_inside", "archive", "my/archive/a.txt", NO),
    ("path_inside", "archive", ".", NO),
    ("path_inside", "archive", "archive/../secret", UNJUDGED),
    ("path_inside", "archive", "x/../archive/a.txt", UNJUDGED),
    ("path_inside", "archive", "archive/..", UNJUDGED),
    ("path_inside", "archive", "archive/..a", YES),
    ("path_inside", "archive", "/archive/a.txt", UNJUDGED),
    ("path_inside", "archive", "archive\\a.txt", UNJUDGED),
    ("path_inside", "archive", "archive/\0", UNJUDGED),
    ("path_inside", "archive", "~/archive", UNJUDGED),
    ("path_inside", "archive", "", UNJUDGED),
    ("path_inside", "archive", ["archive"], UNJUDGED),
    ("path_inside", "/srv/data", "/srv/data/a", YES),
    ("path_inside", "/srv/data", "/srv/database", NO),
    ("path_inside", "/srv/data", "srv/data/a", UNJUDGED),
    ("url_host_in", ["good.com"], "https://good.com", YES),
    ("url_host_in", ["good.com"], "HTTPS://GOOD.com:8443/a?b#c", YES),
    ("url_host_in", ["good.com"], "https://good.com./", YES),
    ("url_host_in", ["good.com"], "https://evil.com/good.com", NO),
    ("url_host_in", ["good.com"], "https://good.com.evil.com", NO),
    ("url_host_in", ["good.com"], "https://a.good.com", NO),
    ("url_host_in", ["good.com"], "https://evil.com?good.com", NO),
    ("url_host_in", ["good.com"], "https://good.com@evil.com", UNJUDGED),
    ("url_host_in", ["good.com"], "https://good.com:80@evil.com", UNJUDGED),
    ("url_host_in", ["good.com"], "https://good.com\\@evil.com", UNJUDGED),
    ("url_host_in", ["good.com"], "https://good.com\\.evil.com", UNJUDGED),
    ("url_host_in", ["good.com"], "https:/good.com", UNJUDGED),
    ("url_host_in", ["good.com"], "http\u017f://good.com", UNJUDGED),
    ("matches", ".*", "\ud800", UNJUDGED),
    ("at_least", {"time": "2026-01-31T12:00:00Z"}, "2026-01-31T12:00:00+12:60", UNJUDGED),
    ("url_host_in", ["good.com"], "//good.com", UNJUDGED),
    ("url_host_in", ["good.com"], "good.com", UNJUDGED),
    ("url_host_in", ["good.com"], "file://good.com/", UNJUDGED),
    ("url_host_in", ["good.com"], " https://good.com", UNJUDGED),
    ("url_host_in", ["good.com"], "https://good.com\n", UNJUDGED),
    ("url_host_in", ["good.com"], "https://g\u043eod.com", UNJUDGED),
    ("url_host_in", ["good.com"], "https://good%2ecom", UNJUDGED),
    ("url_host_in", ["good.com"], "https://[::1]/", UNJUDGED),
    ("url_host_in", ["127.0.0.1"], "http://127.0.0.1/", YES),
    ("url_host_in", ["127.0.0.1"], "http://2130706433/", UNJUDGED),
    ("url_host_in", ["127.0.0.1"], "http://0x7f.1/", UNJUDGED),
    ("url_host_in", ["127.0.0.1"], "http://0x7f000001/", UNJUDGED),
    ("url_host_in", ["127.0.0.1"], "http://0177.0.0.1/", UNJUDGED),
    ("url_host_in", ["127.0.0.1"], "http://127.1/", UNJUDGED),
    ("email_domain_in", ["good.com"], "a.b+c@good.com", YES),
    ("email_domain_in", ["good.com"], "A@GOOD.com", YES),
    ("email_domain_in", ["good.com"], "a@evil.com", NO),
    ("email_domain_in", ["good.com"], "a@a.good.com", NO),
    ("email_domain_in", ["good.com"], "a@good.com.evil.com", NO),
    ("email_domain_in", ["good.com"], "a@evil.com, b@good.com", UNJUDGED),
    ("email_domain_in", ["good.com"], "a@evil.com@good.com", UNJUDGED),
    ("email_domain_in", ["good.com"], "a@good.com>", UNJUDGED),
    ("email_domain_in", ["good.com"], "<a@good.com>", UNJUDGED),
    ("email_domain_in", ["good.com"], "Ada <a@good.com>", UNJUDGED),
    ("email_domain_in", ["good.com"], '"a@evil.com"@good.com', UNJUDGED),
    ("email_domain_in", ["good.com"], "a@good.com\nBcc: a@evil.com", UNJUDGED),
    ("email_domain_in", ["good.com"], "a@good.com\n", UNJUDGED),
    ("email_domain_in", ["good.com"], "a@good.com.", UNJUDGED),
    ("email_domain_in", ["good.com"], "a@g\u043eod.com", UNJUDGED),
    ("email_domain_in", ["good.com"], "good.com", UNJUDGED),
    ("email_domain_in", ["good.com"], "", UNJUDGED),
    ("email_domain_in", ["good.com"], f"a@{'a.' * 200}com", UNJUDGED),
    ("length_at_most", 2, "ab", YES),
    ("length_at_most", 2, "abc", NO),
    ("length_at_most", 2, [1, 2, 3], NO),
    ("length_at_most", 0, [], YES),
    ("length_at_most", 2, 5, UNJUDGED),
    ("length_at_most", 2, {"a": 1}, UNJUDGED),
    ("length_at_least", 2, "\U0001f600", NO),
    ("length_at_least", 2, ["a", "b"], YES),
]
SAMPLES = {  # one value for each operator, with an argument of a type it judges
    "equals": ("a", "a"), "not_equals": ("a", "a"), "in": (["a"], "a"), "not_in": (["a"], "a"),
    "greater_than": (1, 1), "at_least": (1, 1), "less_than": (1, 1), "at_most": (1, 1),
    "starts_with": ("a", "a"), "ends_with": ("a", "a"), "contains": ("a", "a"), "matches": ("a", "a"),
    "path_inside": ("a", "a"), "url_host_in": (["a.com"], "https://a.com"), "email_domain_in": (["a.com"], "a@a.com"),
    "length_at_most": (1, "a"), "length_at_least": (1, "a"),
}  # fmt: skip
KINDS = {"text": "a", "number": 1, "fraction": 1.5, "boolean": True, "list": ["a"], "object": {"a": 1}}
JUDGED = {
    **dict.fromkeys(("greater_than", "at_least", "less_than", "at_most"), {"number", "fraction"}),
    **dict.fromkeys(("length_at_most", "length_at_least"), {"text", "list"}),
    **dict.fromkeys(("url_host_in", "email_domain_in"), set()),
}


def leaf(operator: str, value: Any = None, **fields: Any) -> dict[str, Any]:
    said = {} if value is None else {"value": value}
    return {"argument": "x", "operator": operator, **said, **fields}


def ask(part: dict[str, Any], arguments: Any, **more: Any) -> Held | NotHeld | Error:
    return conditions.parse([part]).holds(arguments, **more)


@pytest.mark.parametrize(("operator", "value", "argument", "answer"), TABLE)
def test_an_operator_answers(operator: str, value: Any, argument: Any, answer: type) -> None:
    said = ask(leaf(operator, value), {"x": argument})
    assert isinstance(said, answer), said
    opposite = {YES: NO, NO: YES, UNJUDGED: UNJUDGED}[answer]
    assert isinstance(ask({"not": leaf(operator, value)}, {"x": argument}), opposite)


def test_every_operator_is_in_the_tables() -> None:
    judging = {name for name, operator in OPERATORS.items() if not operator.judges_absence}
    assert judging == set(SAMPLES) == {operator for operator, *_ in TABLE}
    assert set(OPERATORS) - judging == {"is_present", "is_absent"}


@pytest.mark.parametrize("operator", SAMPLES)
@pytest.mark.parametrize("arguments", [{}, {"x": None}], ids=["missing", "null"])
def test_without_a_value_the_condition_says_what_that_means_or_cannot_be_judged(operator: str, arguments: Any) -> None:
    value, _ = SAMPLES[operator]
    silent = ask(leaf(operator, value), arguments)
    assert isinstance(silent, Error)
    assert "`x` has no value" in silent.problem
    assert isinstance(ask(leaf(operator, value, if_missing="match"), arguments), Held)
    assert isinstance(ask(leaf(operator, value, if_missing="no_match"), arguments), NotHeld)


@pytest.mark.parametrize("operator", SAMPLES)
def test_the_schemas_default_stands_in_for_what_is_missing_and_not_for_null(operator: str) -> None:
    value, argument = SAMPLES[operator]
    given = ask(leaf(operator, value), {"x": argument})
    assert type(ask(leaf(operator, value), {}, defaults={"x": argument})) is type(given) is not Error
    assert isinstance(ask(leaf(operator, value), {"x": None}, defaults={"x": argument}), Error)


@pytest.mark.parametrize("operator", SAMPLES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_type_is_never_an_answer_whatever_if_missing_says(operator: str, kind: str) -> None:
    if kind in JUDGED.get(operator, {"text"}):
        return
    for if_missing in ("match", "no_match"):
        said = ask(leaf(operator, SAMPLES[operator][0], if_missing=if_missing), {"x": KINDS[kind]})
        assert isinstance(said, Error)
        assert said.problem.startswith("`x` ")


@pytest.mark.parametrize(
    ("arguments", "defaults", "present"),
    [
        ({"x": "a"}, {}, True),
        ({"x": ""}, {}, True),
        ({"x": 0}, {}, True),
        ({"x": False}, {}, True),
        ({"x": []}, {}, True),
        ({}, {}, False),
        ({"x": None}, {}, False),
        ({"x": None}, {"x": "a"}, False),
        ({}, {"x": "a"}, True),
        ({}, {"x": None}, False),
    ],
)
def test_presence_means_a_value_that_is_not_null(arguments: Any, defaults: Any, present: bool) -> None:
    assert isinstance(ask(leaf("is_present"), arguments, defaults=defaults), Held if present else NotHeld)
    assert isinstance(ask(leaf("is_absent"), arguments, defaults=defaults), NotHeld if present else Held)


@pytest.mark.parametrize(
    ("items", "any_of", "all_of", "none_of"),
    [
        (["a", "a"], YES, YES, NO),
        (["a", "b"], YES, NO, NO),
        (["b"], NO, NO, YES),
        (["a", 1], UNJUDGED, UNJUDGED, UNJUDGED),
        (["b", None], UNJUDGED, UNJUDGED, UNJUDGED),
        ([["a"]], UNJUDGED, UNJUDGED, UNJUDGED),
        ([], UNJUDGED, UNJUDGED, UNJUDGED),
        ("a", UNJUDGED, UNJUDGED, UNJUDGED),
        ({"a": "a"}, UNJUDGED, UNJUDGED, UNJUDGED),
    ],
)
def test_quantifiers_judge_every_item_and_an_empty_list_is_no_yes(
    items: Any, any_of: type, all_of: type, none_of: type
) -> None:
    for quantifier, answer in (("any_of", any_of), ("all_of", all_of), ("none_of", none_of)):
        assert isinstance(ask(leaf("equals", "a", quantifier=quantifier), {"x": items}), answer)


@pytest.mark.parametrize("quantifier", ["any_of", "all_of", "none_of"])
def test_an_empty_list_means_what_if_missing_says(quantifier: str) -> None:
    for if_missing, answer in (("match", Held), ("no_match", NotHeld)):
        part = leaf("equals", "a", quantifier=quantifier, if_missing=if_missing)
        assert isinstance(ask(part, {"x": []}), answer)


@pytest.mark.parametrize(
    ("part", "arguments", "answer"),
    [
        ({"all": [leaf("equals", 1), leaf("at_most", 5)]}, {"x": 1}, YES),
        ({"all": [leaf("equals", 1), leaf("at_most", 0)]}, {"x": 1}, NO),
        ({"any": [leaf("equals", 2), leaf("at_most", 5)]}, {"x": 1}, YES),
        ({"any": [leaf("equals", 2), leaf("at_most", 0)]}, {"x": 1}, NO),
        ({"not": {"not": leaf("equals", 1)}}, {"x": 1}, YES),
        # No short cut: what cannot be judged is not passed over, on either side.
        ({"any": [leaf("equals", 1), leaf("starts_with", "a")]}, {"x": 1}, UNJUDGED),
        ({"any": [leaf("starts_with", "a"), leaf("equals", 1)]}, {"x": 1}, UNJUDGED),
        ({"all": [leaf("equals", 2), leaf("starts_with", "a")]}, {"x": 1}, UNJUDGED),
        ({"not": {"all": [leaf("starts_with", "a"), leaf("equals", 2)]}}, {"x": 1}, UNJUDGED),
    ],
)
def test_groups_combine_answers_and_keep_errors(part: Any, arguments: Any, answer: type) -> None:
    assert isinstance(ask(part, arguments), answer)


@pytest.mark.parametrize(
    ("arguments", "defaults", "answer"),
    [
        ({"to": {"land": "DE"}}, {}, YES),
        ({"to": {"land": "FR"}}, {}, NO),
        ({"to": {}}, {}, UNJUDGED),
        ({"to": None}, {}, UNJUDGED),
        ({"to": "DE"}, {}, UNJUDGED),
        ({"to": [{"land": "DE"}]}, {}, UNJUDGED),
        ({"to.land": "DE"}, {}, UNJUDGED),
        ({"to": {}}, {"to.land": "DE"}, YES),
        ({}, {"to": {}, "to.land": "DE"}, YES),
        ({}, {"to": {"land": "FR"}, "to.land": "DE"}, NO),
        ({"to": {"land": None}}, {"to.land": "DE"}, UNJUDGED),
    ],
)
def test_a_dotted_path_leads_through_objects_only_and_knows_nested_defaults(
    arguments: Any, defaults: Any, answer: type
) -> None:
    part = {"argument": "to.land", "operator": "equals", "value": "DE"}
    assert isinstance(ask(part, arguments, defaults=defaults), answer)


def test_a_path_through_null_is_a_missing_value() -> None:
    part = {"argument": "to.land", "operator": "equals", "value": "DE", "if_missing": "match"}
    assert isinstance(ask(part, {"to": None}), Held)
    assert isinstance(ask(part, {"to": "DE"}), Error)


@pytest.mark.parametrize(
    ("argument", "sensitive", "hidden"),
    [
        ("key", "key", True),
        ("key.pin", "key", True),
        ("key", "key.pin", True),
        ("key", "keys", False),
        ("key", "ke", False),
    ],
)
def test_an_answer_does_not_carry_a_sensitive_value(argument: str, sensitive: str, hidden: bool) -> None:
    part = {"argument": argument, "operator": "length_at_least", "value": 0, "if_missing": "match"}
    arguments = {"key": {"pin": "canary"}} if "." in argument else {"key": "canary"}
    said = ask(part, arguments, sensitive=frozenset({sensitive}))
    assert isinstance(said, Held)
    assert ("canary" in repr(said)) is not hidden


def test_without_conditions_everything_holds() -> None:
    assert isinstance(conditions.parse([]).holds({}), Held)


def test_what_costs_too_much_is_an_error() -> None:
    part = leaf("equals", "a", quantifier="any_of")
    assert isinstance(ask(part, {"x": ["b"] * 1_000}), NotHeld)
    said = ask(part, {"x": ["b"] * 250_001})
    assert isinstance(said, Error)
    assert said.code == "policy_too_expensive"
    assert isinstance(ask(leaf("contains", "zebra"), {"x": "x" * 20_000_000}), Error)


@pytest.mark.parametrize(
    "part",
    [leaf(operator, value) for operator, (value, _) in SAMPLES.items()]
    + [
        leaf("is_present"),
        leaf("at_most", {"decimal": "1.50"}),
        leaf("in", [{"date": "2026-01-31"}]),
        leaf("equals", "a", quantifier="none_of", if_missing="no_match"),
        {"not": {"any": [leaf("equals", 1), {"all": [leaf("equals", 2), leaf("is_absent")]}]}},
    ],
)
def test_a_condition_is_written_as_it_was_read(part: dict[str, Any]) -> None:
    condition = conditions.parse([part])
    assert conditions.to_value(condition) == [part]
    assert conditions.parse(conditions.to_value(condition)) == condition


@pytest.mark.parametrize(
    ("part", "field", "problem"),
    [
        ({"argument": "x", "operator": "equal", "value": 1}, "[0].operator", 'did you mean "equals"'),
        ({"argument": "x", "operater": "equals", "value": 1}, "[0].operater", 'did you mean "operator"'),
        ({"operator": "equals", "value": 1}, "[0].argument", "is missing"),
        ({"argument": "x", "operator": "equals"}, "[0].value", "is missing"),
        ({"argument": "x", "operator": "equals", "value": None}, "[0].value", "use is_absent"),
        ({"argument": "x", "operator": "is_present", "value": True}, "[0].value", "no place beside is_present"),
        ({"argument": "x", "operator": "is_absent", "if_missing": "match"}, "[0].if_missing", "no place"),
        ({"argument": "to[0]", "operator": "equals", "value": 1}, "[0].argument", "must be the name of an argument"),
        ({"argument": "", "operator": "equals", "value": 1}, "[0].argument", "is empty"),
        ({"argument": "a..b", "operator": "equals", "value": 1}, "[0].argument", "must be the name of an argument"),
        (leaf("equals", ""), "[0].value", "is empty"),
        (leaf("equals", ["a"]), "[0].value", "must be one value, not a list"),
        (leaf("equals", {"decimal": "1,0"}), "[0].value", "not a decimal"),
        (leaf("equals", {"date": "2026-02-30"}), "[0].value", "not in the calendar"),
        (leaf("equals", {"money": "1"}), "[0].value.money", "is not a field here"),
        (leaf("equals", {"date": "2026-01-01", "decimal": "1"}), "[0].value", "exactly one of"),
        (leaf("equals", 2**53), "[0].value", "must be a number between"),
        (leaf("equals", float("nan")), "[0].value", "must be a number between"),
        (leaf("in", []), "[0].value", "is empty"),
        (leaf("in", "a"), "[0].value", "must be a list"),
        (leaf("in", ["a", 1]), "[0].value", "mixes kinds"),
        (leaf("in", [1, True]), "[0].value", "mixes kinds"),
        (leaf("in", ["a", "b", "a"]), "[0].value[2]", "repeats"),
        (leaf("in", [["a"]]), "[0].value[0]", "must be one value"),
        (leaf("at_most", "100"), "[0].value", "must be a number, or {decimal"),
        (leaf("at_most", True), "[0].value", "must be a number"),
        (leaf("starts_with", ""), "[0].value", "is empty"),
        (leaf("starts_with", 5), "[0].value", "must be a text"),
        (leaf("matches", "(a"), "[0].value", "is not an RE2 pattern"),
        (leaf("matches", "(?=a)b"), "[0].value", "is not an RE2 pattern"),
        (leaf("matches", r"(a)\1"), "[0].value", "is not an RE2 pattern"),
        (leaf("matches", "a{1000}{1000}"), "[0].value", "is not an RE2 pattern"),
        (leaf("matches", "a" * 501), "[0].value", "longer than 500"),
        (leaf("path_inside", "../x"), "[0].value", "not a plain path"),
        (leaf("path_inside", "."), "[0].value", "is the root"),
        (leaf("path_inside", "/"), "[0].value", "is the root"),
        (leaf("email_domain_in", "example.com"), "[0].value", "must be a list"),
        (leaf("email_domain_in", ["@example.com"]), "[0].value[0]", "without @"),
        (leaf("email_domain_in", ["*.example.com"]), "[0].value[0]", "without @, *"),
        (leaf("email_domain_in", ["Example.com"]), "[0].value[0]", "small letters"),
        (leaf("url_host_in", ["https://example.com"]), "[0].value[0]", "bare host name"),
        (leaf("url_host_in", ["example.com:443"]), "[0].value[0]", "bare host name"),
        (leaf("length_at_most", -1), "[0].value", "must be between"),
        (leaf("length_at_most", 1.5), "[0].value", "whole number"),
        (leaf("length_at_most", True), "[0].value", "whole number"),
        (leaf("equals", 1, quantifier="all"), "[0].quantifier", "must be one of any_of, all_of, none_of"),
        (leaf("equals", 1, quantifier=None), "[0].quantifier", "or left out"),
        (leaf("equals", 1, if_missing=True), "[0].if_missing", "must be one of match, no_match"),
        ({"all": []}, "[0].all", "is empty"),
        ({"any": []}, "[0].any", "is empty"),
        ({"not": []}, "[0].not", "must be a mapping"),
        ({"all": [leaf("equals", 1)], "any": [leaf("equals", 1)]}, "[0].any", "is not a field here"),
        ({"not": leaf("equals", 1), "if_missing": "match"}, "[0].if_missing", "is not a field here"),
        ("x equals 1", "[0]", "must be a mapping"),
        ({"not": {"not": {"not": {"not": {"not": {"not": leaf("equals", 1)}}}}}}, "[0]" + ".not" * 6, "nested deeper"),
        ({"all": [{"any": [leaf("equals", 1)] * 26}] * 2}, "document", "has more than 50 conditions"),
    ],
)
def test_a_condition_that_cannot_mean_what_it_says_is_refused_by_name(part: Any, field: str, problem: str) -> None:
    with pytest.raises(FieldError) as refused:
        conditions.parse([part])
    assert refused.value.facts["field"] == field
    assert problem in refused.value.problem


def test_nesting_without_end_is_refused_before_it_is_followed() -> None:
    part: Any = leaf("equals", 1)
    for _ in range(100_000):
        part = {"not": part}
    with pytest.raises(FieldError, match="nested deeper"):
        conditions.parse([part])


@pytest.mark.parametrize(
    ("part", "holds", "fails"),
    [
        (leaf("at_most", 5), "`x` is at most 5", "`x` is above 5"),
        (leaf("at_least", {"decimal": "1.50"}), "`x` is at least 1.50", "`x` is below 1.50"),
        (leaf("in", list("abcdefg")), '`x` is one of "a", "b", "c", "d", "e" and 2 more', None),
        (leaf("is_absent"), "`x` is not given", "`x` is given"),
        (leaf("equals", True, quantifier="any_of"), "at least one item of `x` is true", "no item of `x` is true"),
        (leaf("equals", 1, quantifier="all_of"), "every item of `x` is 1", "not every item of `x` is 1"),
        (leaf("equals", 1, quantifier="none_of"), "no item of `x` is 1", "at least one item of `x` is 1"),
        ({"not": leaf("path_inside", "a")}, '`x` is not inside "a"', '`x` is inside "a"'),
        (
            {"any": [leaf("equals", 1), leaf("equals", 2)]},
            "(`x` is 1 or `x` is 2)",
            "(`x` is not 1 and `x` is not 2)",
        ),
        (
            {"not": {"all": [leaf("equals", 1), {"any": [leaf("equals", 2), leaf("equals", 3)]}]}},
            "(`x` is not 1 or (`x` is not 2 and `x` is not 3))",
            "(`x` is 1 and (`x` is 2 or `x` is 3))",
        ),
    ],
)
def test_a_condition_explains_itself(part: Any, holds: str, fails: str | None) -> None:
    condition = conditions.parse([part]).parts[0]
    assert sentences.condition(condition) == holds
    assert fails is None or sentences.condition(condition, holds=False) == fails


def test_only_the_conditions_that_decided_are_named() -> None:
    part = {"any": [leaf("equals", 1), leaf("at_most", 5), leaf("at_least", 9)]}
    said = ask(part, {"x": 3})
    assert isinstance(said, Held)
    assert sentences.because(said.because) == "`x` is at most 5 (seen: 3)"
    missing = ask(leaf("equals", 1, if_missing="match"), {})
    assert isinstance(missing, Held)
    assert sentences.because(missing.because) == "`x` has no value, which counts as a match"
