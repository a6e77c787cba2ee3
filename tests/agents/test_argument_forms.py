"""The form of a call's arguments: what nobody touches stays as it was, to the byte."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.forms.arguments import ArgumentForm
from audit import canonical
from policy.proposal import ToolShape
from policy.tool_facts import ToolFacts

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1e9, 1e9) | st.text(CHARACTERS, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
TEXTS = st.text(st.sampled_from('a\r\n\t\u202e<&"é '), max_size=9)
KINDS = st.sampled_from([
    ({"type": "string"}, TEXTS), ({"type": "string", "maxLength": 20}, TEXTS), ({"type": "boolean"}, st.booleans()),
    ({"type": "integer"}, st.integers(-(2**53) + 1, 2**53 - 1)), ({"type": "number"}, st.floats(-1e15, 1e15)),
    ({"type": "array", "items": {"type": "string"}}, st.lists(TEXTS, max_size=4)),
    ({"enum": [1, "1", None, True]}, st.sampled_from([1, "1", None, True])),
    ({"const": {"a": [0.5]}}, st.just({"a": [0.5]})),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, st.none() | TEXTS), ({"type": "object"}, JSON), (True, JSON),
])  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema, and arguments that fit it; optional ones may be left out."""
    properties, arguments, required = {}, {}, []
    for name in draw(st.lists(st.text(CHARACTERS, max_size=5), unique=True, max_size=5)):
        properties[name], values = draw(KINDS)
        required += [name] if draw(st.booleans()) else []
        if name in required or draw(st.booleans()):
            arguments[name] = draw(values)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}, arguments


def facts_of(schema: dict[str, Any]) -> ToolFacts:
    shape = ToolShape.of("files.write", schema, ())
    return ToolFacts({"schema": schema}, canonical.digest(canonical.encode(schema)), shape)


def sent_by_a_browser(form: ArgumentForm) -> dict[str, str]:
    """What a browser makes of the page: line breaks are CRLF, and one-line boxes have none."""
    fields = {box.field: box.typed.replace("\n", "\r\n") for box in form.boxes}
    assert not any("\n" in box.typed for box in form.boxes if box.kind.name in ("line", "number", "choice"))
    left_out = [box for box in form.boxes if box.is_left_out and box.kind.name != "choice"]
    return fields | {f"{box.field}-absent": "on" for box in left_out}


@given(calls())
@settings(max_examples=150, deadline=None)
def test_what_nobody_touched_comes_back_byte_for_byte(call: tuple[dict[str, Any], dict[str, Any]]) -> None:
    schema, arguments = call
    facts, body = facts_of(schema), canonical.encode(arguments)
    again = ArgumentForm(facts, body, sent_by_a_browser(ArgumentForm(facts, body)))
    assert again.is_valid(), [box.errors for box in again.boxes]
    assert again.arguments() == body


@given(calls(), st.data())
@settings(max_examples=100, deadline=None)
def test_to_touch_one_argument_changes_no_other(
    call: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject
) -> None:
    schema, arguments = call
    facts, body = facts_of(schema), canonical.encode(arguments)
    form = ArgumentForm(facts, body)
    if not form.boxes:
        return
    box = data.draw(st.sampled_from(form.boxes))
    posted = sent_by_a_browser(form) | {box.field: data.draw(TEXTS)}
    again = ArgumentForm(facts, body, posted)
    if again.is_valid():
        after = json.loads(again.arguments())
        assert {name: after.get(name) for name in after if name != box.name} == {
            name: value for name, value in json.loads(body).items() if name != box.name
        }


SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["path", "count", "mode"],
    "properties": {
        "path": {"type": "string", "minLength": 1, "maxLength": 20}, "count": {"type": "integer", "minimum": 1},
        "mode": {"enum": ["fast", "slow"]}, "note": {"type": "string", "default": "none"}, "dry": {"type": "boolean"},
        "to": {"type": "array", "items": {"type": "string", "minLength": 3}}, "more": {"type": "object"},
    },
}  # fmt: skip
ARGUMENTS = canonical.encode({"path": "a.txt", "count": 2, "mode": "fast", "to": ["ada", "bob"]})
PATH, COUNT, MODE, NOTE, DRY, TO, MORE = (f"argument-{number}" for number in range(7))
GIVEN = f"{MORE}-absent"  # None: its tick was taken away


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({PATH: " b.txt "}, {"path": " b.txt "}), ({COUNT: " 3 "}, {"count": 3}),
        ({MODE: '"slow"'}, {"mode": "slow"}), ({NOTE: "x\r\ny", f"{NOTE}-absent": None}, {"note": "x\ny"}),
        ({f"{NOTE}-absent": None}, {"note": ""}), ({DRY: "true"}, {"dry": True}), ({DRY: "false"}, {"dry": False}),
        ({TO: "ada\r\n\r\neve\r\n"}, {"to": ["ada", "eve"]}), ({TO: "", f"{TO}-absent": "on"}, {"to": None}),
        ({f"{TO}-absent": "on"}, {"to": None}), ({TO: ""}, {"to": []}),
        ({MORE: '{"a":[1.0]}', GIVEN: None}, {"more": {"a": [1]}}),
    ],
)  # fmt: skip
def test_what_was_written_is_read(typed: dict[str, Any], expected: dict[str, Any]) -> None:
    form = written(typed)
    assert form.is_valid(), [box.errors for box in form.boxes]
    wanted = json.loads(ARGUMENTS) | expected
    assert json.loads(form.arguments()) == {name: value for name, value in wanted.items() if value is not None}


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({PATH: ""}, PATH, "at least 1"), ({PATH: "x" * 21}, PATH, "at most 20"), ({PATH: "a\0"}, PATH, "NUL"),
        ({PATH: None}, PATH, "did not arrive"), ({f"{PATH}-absent": "on"}, PATH, "cannot do without"),
        ({COUNT: "two"}, COUNT, "Write a number"), ({COUNT: ""}, COUNT, "Write a number"),
        ({COUNT: "true"}, COUNT, "Write a number"), ({COUNT: "0"}, COUNT, "at least 1"),
        ({COUNT: "1.5"}, COUNT, "whole number"), ({COUNT: "1e999"}, COUNT, "Write a number"),
        ({COUNT: "NaN"}, COUNT, "Write a number"), ({COUNT: "9007199254740993"}, COUNT, "Write a number"),
        ({MODE: "fast"}, MODE, "Choose one"), ({MODE: ""}, MODE, "Choose one"), ({DRY: "yes"}, DRY, "Choose one"),
        ({NOTE: "x"}, NOTE, "take one of the two"), ({TO: "ed"}, TO, "at least 3"),
        ({MORE: "{", GIVEN: None}, MORE, "not JSON"), ({MORE: "[]", GIVEN: None}, MORE, "an object"),
        ({MORE: '{"a":1,"a":2}', GIVEN: None}, MORE, "twice"), ({MORE: "", GIVEN: None}, MORE, "not JSON"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_at_its_box(typed: dict[str, Any], field: str, said: str) -> None:
    form = written(typed)
    wrong = {box.field: " ".join(box.errors) for box in form.boxes if box.errors}
    assert wrong.keys() == {field} and said in wrong[field], wrong


def written(typed: dict[str, Any]) -> ArgumentForm:
    facts = facts_of(SCHEMA)
    posted = sent_by_a_browser(ArgumentForm(facts, ARGUMENTS)) | typed
    return ArgumentForm(facts, ARGUMENTS, {name: value for name, value in posted.items() if value is not None})
