"""Test cases in forms: the way there and back, and every mistake at its box."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import encode
from policy import case_fields
from policy.forms.case_editor import CaseEditor
from tests.policy.strategies import mixed
from tests.policy.test_rule_forms import LABELS, WORDS

VALUES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-1e9, 1e9), WORDS)
JSONS = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2))
NEEDS = st.lists(
    st.fixed_dictionaries(
        {"count": st.integers(1, 20), "groups": st.lists(LABELS, min_size=1, max_size=2, unique=True)}
    ),
    min_size=1, max_size=3, unique_by=lambda one: frozenset(one["groups"]),
)  # fmt: skip
CASE = st.fixed_dictionaries(
    {
        "name": WORDS,
        "call": mixed(
            {"tool": WORDS, "arguments": st.dictionaries(WORDS, JSONS, max_size=3)},
            {"agent": WORDS, "environment": WORDS, "requester": WORDS,
             "requester_groups": st.lists(LABELS, max_size=2, unique=True)},
        ),
        "expect": mixed(
            {"outcome": st.sampled_from(["denied", "needs_approval"])},
            {"rules": st.lists(st.sampled_from(["a", "b-c"]), max_size=2, unique=True), "requirements": NEEDS,
             "preauthorization": st.booleans()},
        ),
    }
)  # fmt: skip


def sent(editor: CaseEditor) -> dict[str, str]:
    """Return what a browser sends for the form as it is shown: line breaks become CRLF on the way."""
    forms = [editor.main, *editor.needs]
    return {form.add_prefix(name): text.replace("\n", "\r\n") for form in forms for name, text in form.typed.items()}


def normal(value: Any) -> bytes:
    return encode(case_fields.to_value(case_fields.parse(value, ())))


@given(CASE)
def test_a_test_case_that_is_read_and_saved_unchanged_is_the_same(value: Any) -> None:
    again = CaseEditor.of_post(sent(CaseEditor.of_value(value, revision="7"))).value()
    assert normal(again) == normal(value)


def filled(**more: str) -> dict[str, str]:
    return {"revision": "1", "name": "one", "tool": "a", "outcome": "denied"} | more


WRONG: list[tuple[dict[str, str], str, str]] = [
    (filled(name=""), "name", "required"),
    (filled(name="x" * 201), "name", "longer than 200"),
    (filled(tool=""), "tool", "required"),
    (filled(tool='"a" b'), "tool", "quotation mark"),
    (filled(arguments="{"), "arguments", "not JSON"),
    (filled(arguments='{"a": 1, "a": 2}'), "arguments", "not JSON"),
    (filled(arguments='{"a": NaN}'), "arguments", "not JSON"),
    (filled(arguments="[1]"), "arguments", "must be a mapping"),
    (filled(outcome="preauthorized"), "outcome", "not one of"),
    (filled(outcome=""), "outcome", "required"),
    (filled(requester_groups="a, a"), "requester_groups", "Entry 2 repeats"),
    (filled(with_rules="on", rules="A"), "rules", "Entry 1 must be the name"),
    (filled(preauthorization="perhaps"), "preauthorization", "not one of"),
    (filled(with_requirements="on"), "need-0-groups", "say how many people"),
    (filled(with_requirements="on") | {"need-0-count": "21", "need-0-groups": "a"}, "need-0-count", "20"),
    (filled(revision="x"), "revision", "whole number"),
]


@pytest.mark.parametrize(("data", "box", "words"), WRONG, ids=[f"{box} {words}" for _, box, words in WRONG])
def test_what_is_typed_wrong_is_told_at_its_box(data: dict[str, str], box: str, words: str) -> None:
    editor = CaseEditor.of_post(data)
    assert editor.value() is None
    told = {
        form.add_prefix(name): list(said) for form in (editor.main, *editor.needs) for name, said in form.errors.items()
    }
    assert list(told) == [box] and words in told[box][0], told


def test_what_is_not_ticked_is_left_open() -> None:
    data = filled(rules="a") | {"need-0-count": "1", "need-0-groups": "legal"}
    value = CaseEditor.of_post(data).value()
    assert value and value["expect"] == {"outcome": "denied"}
