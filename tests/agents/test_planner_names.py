"""Names and schemas as the model sees them, and the way back; JSON cut without changing it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.planners.base import ToolSpec
from agents.planners.names import ToolNameError, from_model, to_model
from agents.planners.schemas import for_model, reason_key, split_reason
from agents.planners.wire import Node, WireError
from tests.agents.conversations import READ, REFUND


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("files.read", "files__read"),
        ("a", "a"),
        ("a.b.c", "a__b__c"),
        ("send_mail.now", "send_mail__now"),
        ("_a", "_a"),
    ],
)
def test_a_name_goes_to_the_model_and_comes_back(name: str, shown: str) -> None:
    assert to_model(name) == shown
    assert from_model(shown, [READ, ToolSpec(name, "", {})]) == name


@pytest.mark.parametrize(
    "name",
    ["", "a__b", "a_.b", "a___b", "Files.read", "a-b", "a b", "a..b", ".a", "a.", "ä", "a\n", "a." * 30 + "abcdef"],
)
def test_a_name_that_would_not_come_back_is_refused(name: str) -> None:
    with pytest.raises(ToolNameError):
        to_model(name)


@given(st.lists(st.from_regex(r"[a-z0-9_]{1,4}", fullmatch=True), min_size=1, max_size=4).map(".".join))
def test_no_two_names_look_the_same_to_the_model(name: str) -> None:
    try:
        shown = to_model(name)
    except ToolNameError:
        return
    assert shown.replace("__", ".") == name


def test_the_reason_is_required_and_first_and_does_not_touch_the_tools_own_schema() -> None:
    before = json.dumps(REFUND.schema)
    schema = for_model(REFUND)["input_schema"]

    assert list(schema["properties"]) == ["m1_reason", "reason", "amount"]
    assert schema["required"] == ["m1_reason", "reason", "amount"] and schema["additionalProperties"] is False
    assert json.dumps(REFUND.schema) == before
    assert for_model(ToolSpec("now", "", {}))["input_schema"]["type"] == "object"
    assert reason_key({"properties": {"reason": {}, "m1_reason": {}}}) == "m1_m1_reason"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=5), st.text(min_size=1), st.sampled_from([None, 1]), st.booleans())
def test_cutting_the_reason_out_changes_nothing_else(
    arguments: dict[str, Any], reason: str, indent: int | None, ascii_only: bool
) -> None:
    arguments.pop("reason", None)
    written = json.dumps({**arguments, "reason": reason}, indent=indent, ensure_ascii=ascii_only)
    if not ascii_only:
        written = written.encode("utf-8", "replace").decode()
    kept, said = split_reason(Node.parse(written), "reason")
    whole = json.loads(written)

    assert said == whole.pop("reason")
    assert json.loads(kept) == whole


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", '{"a":}', "[1,]", "[1 2]", '{"a":1,}', "nul", "01", "NaN", "[Infinity]", '"\n"', "1 1", "[" * 9999],
)
def test_text_that_is_not_one_json_value_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        Node.parse(text)
