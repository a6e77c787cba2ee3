"""Rules in forms: read into one and saved unchanged, a rule is the same; what is typed wrong is told at its box."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit.canonical import encode
from policy import rule_fields
from policy.forms import lists, rows
from policy.forms.known import coverage
from policy.forms.rule_editor import ASTRAY, RuleEditor
from tests.policy.strategies import RULE

MAIL = {"properties": {"to": {"type": "array", "items": {"type": "string"}}, "subject": {"type": "string"}}}
PAY = {
    "properties": {
        "amount": {"type": "number"}, "urgent": {"type": "boolean"}, "total": {"type": "string"},
        "day": {"type": "string"}, "whom": {"type": "object", "properties": {"country": {"type": "string"}}},
        "either": {"type": ["string", "number"]},
    }
}  # fmt: skip
TOOLS: Any = {"email.send": MAIL, "pay.send": PAY, "pay.stop": {"properties": {"id": {"type": "string"}}}}

WORDS = st.one_of(
    st.sampled_from(
        ['"', "'", ' "a"', "a, b", "a\nb", "a\n\nb", " a", "a ", "5", "true", "no", "\\", "\ta", "é ", "null"]
    ),
    st.text("ab,\"\\ \n'\t5#:é", min_size=1, max_size=8).filter(lambda text: bool(text.strip())),
)
LABELS = st.text('ab,"\\ 5#:é', min_size=1, max_size=6).filter(lambda text: text == text.strip())
DAYS = st.dates().map(lambda day: {"date": day.isoformat()})
DECIMALS = st.decimals(-1000, 1000, places=2, allow_nan=False).map(lambda number: {"decimal": f"{number:f}"})
TIMES = st.just({"time": "2026-01-31T12:00:00.5+02:00"})
NUMBERS = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(-1e15, 1e15),
    st.sampled_from([1e-300, -0.0, 0.00012345678901234567]),
)
SCALARS = st.one_of(WORDS, NUMBERS, st.booleans(), DAYS, DECIMALS, TIMES)
LEAVES = st.one_of(
    st.fixed_dictionaries({"argument": st.just("x.y"), "operator": st.just("equals"), "value": SCALARS}),
    st.fixed_dictionaries(
        {"argument": st.just("x"), "operator": st.sampled_from(["at_most", "greater_than"]),
         "value": st.one_of(NUMBERS, DAYS, DECIMALS, TIMES)}
    ),
    st.fixed_dictionaries(
        {"argument": st.just("x"), "operator": st.sampled_from(["starts_with", "contains"]), "value": WORDS}
    ),
    st.fixed_dictionaries(
        {"argument": st.just("x"), "operator": st.sampled_from(["in", "not_in"]),
         "value": st.one_of(*(st.lists(kind, min_size=1, max_size=3, unique_by=repr)
                              for kind in (WORDS, st.integers(-9, 9), DAYS, st.booleans())))}
    ),
    st.sampled_from([
        {"argument": "x", "operator": "matches", "value": " a{2}\\s\"\n"}, {"argument": "x", "operator": "is_absent"},
        {"argument": "x", "operator": "path_inside", "value": "a b"},
        {"argument": "x", "operator": "url_host_in", "value": ["a.example", "b.example"]},
        {"argument": "x", "operator": "length_at_most", "value": 0, "quantifier": "none_of", "if_missing": "match"},
    ]),
)  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        *(st.fixed_dictionaries({word: st.lists(inner, min_size=1, max_size=3)}) for word in ("any", "all")),
    ),
    max_leaves=8,
)
WILD = st.fixed_dictionaries(
    {
        "name": st.just("one"), "description": WORDS, "when": st.lists(TREES, max_size=3),
        "match": st.fixed_dictionaries(
            {"tools": st.just(["a.*", "b"]), "requester_groups": st.lists(LABELS, min_size=1, max_size=3, unique=True)}
        ),
        "deny": st.fixed_dictionaries({"message": WORDS}),
    }
)  # fmt: skip


def sent(editor: RuleEditor) -> dict[str, str]:
    """Return what a browser sends for the form as it is shown: line breaks become CRLF on the way."""
    forms = [editor.main, *editor.conditions, *editor.needs]
    return {form.add_prefix(name): text.replace("\n", "\r\n") for form in forms for name, text in form.typed.items()}


def normal(value: Any) -> bytes:
    return encode(rule_fields.to_value(rule_fields.parse(value, ())))


def is_valid(value: Any) -> bool:
    try:
        rule_fields.parse(value, ())
    except Exception:
        return False
    return True


LONE: Any = {"argument": "x", "operator": "is_present"}
NEVER: Any = {"name": "one", "match": {"tools": ["*"]}, "deny": {"message": "No."}}

ASKS: Any = {
    "name": "one", "match": {"tools": ["*"]},
    "review": {
        "requirements": [{"count": 2, "groups": ["a, b", "c"]}], "open_minutes": 90, "sign_in_minutes": 60,
        "reminders": False, "escalate": {"after_minutes": 60, "groups": ["d", "e, f"]},
    },
}  # fmt: skip


@example(ASKS, {})
@example(NEVER | {"when": [{"not": {"any": [LONE]}}, {"not": {"any": [LONE, LONE]}}, {"not": {"not": LONE}}]}, {})
@given(st.one_of(RULE.map(lambda rule: {"name": "one", **rule}), WILD.filter(is_valid)), st.sampled_from([{}, TOOLS]))
def test_a_rule_that_is_read_and_saved_unchanged_is_the_same_rule(value: Any, tools: Any) -> None:
    again = RuleEditor.of_post(sent(RuleEditor.of_value(value, tools, revision="7")), tools).value()
    assert normal(again) == normal(value)


@given(st.lists(LABELS, max_size=4), st.lists(WORDS, max_size=4))
def test_lists_in_a_box_come_out_as_they_went_in(names: list[str], texts: list[str]) -> None:
    assert lists.split_names(lists.join_names(names), ()) == names
    assert lists.split_lines(lists.join_lines(texts).replace("\n", "\r\n"), ()) == texts


MAIN = {"revision": "1", "name": "one", "tools": "pay.send", "effect": "deny", "message": "No."}
ASK = MAIN | {
    "effect": "review",
    "open_amount": "1",
    "open_unit": "days",
    "need-0-count": "1",
    "need-0-groups": "legal",
}
LATER = ASK | {"escalate_amount": "90", "escalate_unit": "minutes", "escalate_groups": 'board, "a, b"'}


def filled(*conditions: str, **more: str) -> dict[str, str]:
    """Return what a browser sends: conditions as `indent|what|argument|operator|value|kind|quantifier|if_missing`."""
    names = ("indent", "what", "argument", "operator", "value", "kind", "quantifier", "if_missing")
    data = dict(MAIN)
    for number, written in enumerate(conditions):
        texts = dict(zip(names, [*written.split("|"), *[""] * 8], strict=False))
        data |= {f"when-{number}-{name}": text for name, text in texts.items()}
    return data | more


READ = [
    (["0|condition|amount|at_most|5"], [{"argument": "amount", "operator": "at_most", "value": 5}]),
    (["0|condition|urgent|equals|yes"], [{"argument": "urgent", "operator": "equals", "value": True}]),
    (["0|condition|total|equals|5"], [{"argument": "total", "operator": "equals", "value": "5"}]),
    (["0|condition|total|at_most|5.00"], [{"argument": "total", "operator": "at_most", "value": {"decimal": "5.00"}}]),
    (["0|condition|day|less_than|2026-01-31"],
     [{"argument": "day", "operator": "less_than", "value": {"date": "2026-01-31"}}]),
    (["0|condition|whom.country|in|no\nse\n\n"],
     [{"argument": "whom.country", "operator": "in", "value": ["no", "se"]}]),
    (["0|condition|nowhere|at_most|5"], [{"argument": "nowhere", "operator": "at_most", "value": 5}]),
    (["0|condition|nowhere|equals|a"], [{"argument": "nowhere", "operator": "equals", "value": "a"}]),
    (["0|condition|", "0|condition|total|is_present|", "3|condition|"],
     [{"argument": "total", "operator": "is_present"}]),
    (["0|any|", "1|condition|total|equals|a", "1|none|", "2|condition|total|equals|b", "2|condition|total|equals|c",
      "0|condition|total|is_present"],
     [{"any": [{"argument": "total", "operator": "equals", "value": "a"},
               {"not": {"any": [{"argument": "total", "operator": "equals", "value": "b"},
                                {"argument": "total", "operator": "equals", "value": "c"}]}}]},
      {"argument": "total", "operator": "is_present"}]),
]  # fmt: skip


@pytest.mark.parametrize(("conditions", "when"), READ)
def test_what_is_typed_is_read_as_the_tools_mean_it(conditions: list[str], when: Any) -> None:
    value = RuleEditor.of_post(filled(*conditions), TOOLS).value()
    assert value and value["when"] == when


@pytest.mark.parametrize(
    ("data", "reminders", "later"),
    [
        (ASK, False, None),
        (ASK | {"reminders": "on"}, True, None),
        (LATER, False, {"after_minutes": 90, "groups": ["board", "a, b"]}),
        (
            LATER | {"escalate_unit": "hours", "open_amount": "4"},
            False,
            {"after_minutes": 5400, "groups": ["board", "a, b"]},
        ),
    ],
)
def test_reminders_and_an_escalation_are_read_as_they_are_typed(
    data: dict[str, str], reminders: bool, later: Any
) -> None:
    value = RuleEditor.of_post(data, TOOLS).value()
    assert value is not None
    effect: Any = value["review"]
    assert (effect["reminders"], effect.get("escalate")) == (reminders, later)


def test_a_new_rule_reminds_until_somebody_says_otherwise() -> None:
    assert RuleEditor.of_value({"review": {}}, TOOLS).main.typed["reminders"] == "on"
    assert RuleEditor.of_value(NEVER, TOOLS).main.typed["reminders"] == "on", "should it become a review"


WRONG: list[tuple[dict[str, str], str, str]] = [
    (filled(name="One"), "name", "must be small letters"),
    (filled(name=""), "name", "required"),
    (filled(name="x" * 65), "name", "64"),
    (filled(name="a\x00"), "name", "Null"),
    (filled(tools=""), "tools", "is empty"),
    (filled(tools="pay.send, Pay*"), "tools", "Entry 2 must be a tool's name"),
    (filled(tools="pay.send, pay.send"), "tools", "Entry 2 repeats"),
    (filled(agents='"a" b'), "agents", "quotation mark"),
    (filled(agents="a*b"), "agents", "Entry 1 must be an agent's name"),
    (filled(message=" "), "message", "is empty"),
    (filled(effect="allow"), "effect", "not one of"),
    (filled(effect=""), "effect", "required"),
    (filled(description="a\u2028b"), "description", "control characters"),
    (filled("0|condition||at_most|5"), "when-0-argument", "is empty"),
    (filled("0|condition|a b|at_most|5"), "when-0-argument", "must be the name of an argument"),
    (filled("0|condition|amount||5"), "when-0-operator", "is empty"),
    (filled("0|condition|amount|guess|5"), "when-0-operator", "not one of"),
    (filled("0|condition|amount|at_most|"), "when-0-value", "is missing"),
    (filled("0|condition|amount|at_most|1,000"), "when-0-value", "must be a number like"),
    (filled("0|condition|amount|at_most|NaN"), "when-0-value", "must be a number like"),
    (filled("0|condition|amount|at_most|1e999"), "when-0-value", "must be a number"),
    (filled("0|condition|amount|at_most|99999999999999999"), "when-0-value", "must be a number between"),
    (filled("0|condition|urgent|equals|perhaps"), "when-0-value", "yes or no"),
    (filled("0|condition|nowhere|equals|5"), "when-0-kind", "is needed"),
    (filled("0|condition|either|equals|yes"), "when-0-kind", "is needed"),
    (filled("0|condition|total|at_most|soon"), "when-0-value", "must be a number, a date"),
    (filled("0|condition|total|at_most|5|text"), "when-0-value", "must be a number, or"),
    (filled("0|condition|total|at_most|5|bytes"), "when-0-kind", "not one of"),
    (filled("0|condition|total|equals|2026-02-30|date"), "when-0-value", "calendar"),
    (filled('0|condition|total|equals|"a" or "b"'), "when-0-value", "quotation mark"),
    (filled("0|condition|total|in|a\nb\na"), "when-0-value", "Entry 3 repeats"),
    (filled("0|condition|total|matches|(a"), "when-0-value", "RE2"),
    (filled("0|condition|total|path_inside|../a"), "when-0-value", "not a plain path"),
    (filled("0|condition|total|url_host_in|a.example\nhttps://b"), "when-0-value", "Entry 2 must be a bare host"),
    (filled("0|condition|total|length_at_most|-1"), "when-0-value", "between 0"),
    (filled("0|condition|total|is_present|5"), "when-0-value", "has no place"),
    (filled("0|condition|total|is_present|||any_of"), "when-0-quantifier", "has no place"),
    (filled("0|condition|total|is_absent||||match"), "when-0-if_missing", "has no place"),
    (filled("0|condition|total|equals|a|||yes"), "when-0-if_missing", "not one of"),
    (filled("6|condition|total|equals|a"), "when-0-indent", "not one of"),
    (filled("0|condition|total|equals|a", "1|condition|total|equals|a"), "when-1-indent", ASTRAY),
    (filled("0|any|", "0|condition|total|equals|a"), "when-0-what", "is empty"),
    (filled("0|none|"), "when-0-what", "is empty"),
    (filled("0|any|total|equals|a", "1|condition|total|equals|b"), "when-0-what", "A heading has no condition"),
    (filled("0|perhaps|"), "when-0-what", "not one of"),
    (filled(*[f"{step}|none|" for step in range(5)], *["5|condition|day|equals|a"] * 2),
     "when-5-what", "nested deeper"),
    (filled(*["0|condition|total|equals|a"] * 51), "when-0-what", "more than 50"),
    (ASK | {"need-0-count": "0"}, "need-0-count", "greater than or equal to 1"),
    (ASK | {"need-0-count": "", "need-0-groups": "a"}, "need-0-count", "required"),
    (ASK | {"need-0-groups": ""}, "need-0-groups", "required"),
    (ASK | {"need-0-count": "", "need-0-groups": ""}, "need-0-groups", "say how many people"),
    (ASK | {"need-0-groups": "legal, legal"}, "need-0-groups", "Entry 2 repeats"),
    (ASK | {"need-1-count": "2", "need-1-groups": "legal"}, "need-1-groups", "earlier requirement"),
    (ASK | {"open_amount": "0"}, "open_amount", "greater than or equal to 1"),
    (ASK | {"open_amount": "31", "open_unit": "days"}, "open_amount", "must be between"),
    (ASK | {"open_unit": "years"}, "open_unit", "not one of"),
    (ASK | {"sign_in_amount": "x"}, "sign_in_amount", "whole number"),
    (LATER | {"escalate_groups": " "}, "escalate_groups", "is empty"),
    (LATER | {"escalate_groups": "board, board"}, "escalate_groups", "Entry 2 repeats"),
    (LATER | {"escalate_groups": '"a" b'}, "escalate_groups", "quotation mark"),
    (LATER | {"escalate_amount": ""}, "escalate_amount", "is missing"),
    (LATER | {"escalate_amount": "0"}, "escalate_amount", "greater than or equal to 1"),
    (LATER | {"escalate_unit": "years"}, "escalate_unit", "not one of"),
    (LATER | {"escalate_amount": "1", "escalate_unit": "days"}, "escalate_amount", "must be less than open_minutes"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "box", "words"), WRONG, ids=[f"{box} {words}" for _, box, words in WRONG])
def test_what_is_typed_wrong_is_told_at_its_box(data: dict[str, str], box: str, words: str) -> None:
    editor = RuleEditor.of_post(data, TOOLS)
    assert editor.value() is None
    forms = [editor.main, *editor.conditions, *editor.needs]
    told = {form.add_prefix(name): list(said) for form in forms if form.is_bound for name, said in form.errors.items()}
    assert list(told) == [box] and words in told[box][0], told


def test_everything_wrong_is_told_at_once() -> None:
    editor = RuleEditor.of_post(filled("0|condition|amount|at_most|x", "0|condition|a b|equals|1", tools='"'), TOOLS)
    assert editor.value() is None
    assert editor.main.errors and all(form.errors for form in editor.conditions)


MOVES = [
    ("insert:0", ["a", "", "b", "c"]), ("remove:1", ["a", "c"]), ("up:2", ["a", "c", "b"]), ("up:0", ["a", "b", "c"]),
    ("down:0", ["b", "a", "c"]), ("down:2", ["a", "b", "c"]), ("add", ["a", "b", "c", "", "", ""]),
    ("remove:3", ["a", "b", "c"]), ("remove:-1", ["a", "b", "c"]), ("burn:1", ["a", "b", "c"]), ("", ["a", "b", "c"]),
]  # fmt: skip


@pytest.mark.parametrize(("order", "names"), MOVES)
def test_rows_move_by_buttons_and_nothing_typed_is_lost(order: str, names: list[str]) -> None:
    blank = {"name": "", "indent": "0"}
    moved = rows.ordered([{"name": name, "indent": "2"} for name in "abc"], order, blank)
    assert [row["name"] for row in moved] == names
    if order == "insert:0":
        assert moved[1]["indent"] == "2", "a row goes in where the one above it stands"


def test_a_pattern_says_which_tools_it_covers_and_which_it_passes_over() -> None:
    rule = rule_fields.parse(
        {"name": "one", "match": {"tools": ["pay.*", "email.send"]}, "deny": {"message": "No."},
         "when": [{"argument": "amount", "operator": "at_most", "value": 5}]}, ()
    )  # fmt: skip
    found = coverage(rule, TOOLS)
    assert found.covered == ("email.send", "pay.send"), "a tool that is named is judged whatever arguments it has"
    assert found.skipped == (("pay.stop", ("amount",)),)
    assert json.dumps(RuleEditor.of_post(filled(), TOOLS).arguments) == json.dumps(
        ["amount", "day", "either", "total", "urgent", "whom", "whom.country"]
    )
