"""Two versions of a tool as a person compares them: every difference is there, in words, and nothing else is."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import canonical
from policy.models import ToolVersion
from policy.tool_changes import Change, changes, declared_changes

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["to", "subject"],
    "properties": {
        "to": {"type": "array", "items": {"type": "string", "maxLength": 64}, "maxItems": 3, "description": "Who"},
        "subject": {"type": "string"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "labels": {"type": "object", "additionalProperties": {"type": "integer"}, "default": {}},
    },
}
DECLARED: dict[str, Any] = {
    "name": "shop.mail", "description": "Write to someone.", "schema": SCHEMA, "risk": "medium", "read_only": False,
    "idempotent": False, "reversible_with": None, "external": True, "timeout_seconds": 30,
    "headline": "Write to {to}", "sensitive_arguments": [], "sensitive_results": [], "environment": ["SHOP_URL"],
    "module": "shop.mail", "function": "mail", "preview": None, "sources": {"a.py": "1" * 64, "b.py": "2" * 64},
}  # fmt: skip


def version(declared: dict[str, Any]) -> ToolVersion:
    body = canonical.encode(declared)
    return ToolVersion(digest=canonical.digest(body), declaration=body.decode())


def changed(*path: str, **fields: Any) -> dict[str, Any]:
    """Return the declaration with fields of its part at a path set, or removed where they are `...`."""
    declared = copy.deepcopy(DECLARED)
    part = declared
    for name in path:
        part = part[name]
    part.update(fields)
    for name in [name for name, value in fields.items() if value is ...]:
        del part[name]
    return declared


def argument(name: str, **fields: Any) -> dict[str, Any]:
    return changed("schema", "properties", name, **fields)


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (changed(), []),
        (changed(description="Write."), [("description", "Write to someone.", "Write.")]),
        (changed(risk="high"), [("risk", "medium", "high")]),
        (changed(read_only=True), [("reads only", "no", "yes")]),
        (changed(idempotent=True), [("a second run changes nothing", "no", "yes")]),
        (changed(external=False), [("reaches outside", "yes", "no")]),
        (changed(reversible_with="shop.unmail"), [("undone by", "none", "shop.unmail")]),
        (changed(timeout_seconds=5), [("stopped after (seconds)", "30", "5")]),
        (changed(headline="To {to}"), [("headline", "Write to {to}", "To {to}")]),
        (changed(sensitive_arguments=["to"]), [("sensitive arguments", "none", "to")]),
        (changed(sensitive_results=["id", "x"]), [("sensitive results", "none", "id, x")]),
        (changed(environment=[]), [("variables it gets", "SHOP_URL", "none")]),
        (changed(preview="show"), [("preview function", "none", "show")]),
        (changed(function="mail2"), [("function", "mail", "mail2")]),
        (changed(module="shop.post"), [("module", "shop.mail", "shop.post")]),
        (changed(cost=3), [("cost", "", "3")]),
        (changed("sources", **{"b.py": "3" * 64}), [("source file b.py", "2" * 64, "3" * 64)]),
        (changed("sources", **{"c/d.py": "4" * 64}), [("source file c/d.py", "", "4" * 64)]),
        (changed("sources", **{"a.py": ...}), [("source file a.py", "1" * 64, "")]),
        (argument("subject", maxLength=9), [("argument subject: most characters", "", "9")]),
        (argument("subject", type="integer"), [("argument subject: type", "text", "whole number")]),
        (argument("subject", default="Hi"), [("argument subject: default", "", "Hi")]),
        (argument("subject", pattern="^a$"), [("argument subject: pattern", "", "^a$")]),
        (argument("subject", enum=["a", "b"]), [("argument subject: one of", "", "a, b")]),
        (argument("to", maxItems=300), [("argument to: most items", "3", "300")]),
        (argument("to", maxItems=...), [("argument to: most items", "3", "")]),
        (argument("to", description="All"), [("argument to: description", "Who", "All")]),
        (argument("to", items={**TEXT, "maxLength": 9}), [("argument to: each item's most characters", "64", "9")]),
        (argument("labels", additionalProperties=TEXT),
         [("argument labels: each value's type", "whole number", "text")]),
        (argument("labels", default={"a": 1}), [("argument labels: default", "{}", '{"a":1}')]),
        (argument("note", default="x"), [("argument note: default", "none", "x")]),
        (argument("note", anyOf=..., type="string"), [("argument note: may be null", "yes", "")]),
        (changed("schema", required=["to"]), [("argument subject: required", "yes", "no")]),
        (changed("schema", required=["to", "subject", "note"]), [("argument note: required", "no", "yes")]),
        (changed("schema", "properties", cc={**TEXT, "maxLength": 9}),
         [("argument cc", "", "type: text; most characters: 9; required: no")]),
        (changed("schema", "properties", labels=...),
         [("argument labels", "type: object; each value's type: whole number; default: {}; required: no", "")]),
        (changed("schema", **{"$defs": {"a": TEXT}}), [("schema: $defs", "", '{"a":{"type":"string"}}')]),
        (changed("schema", additionalProperties=True), [("schema: additionalProperties", "no", "yes")]),
        (changed(environment=["SHOP_URL", "X"], risk="low"),
         [("risk", "medium", "low"), ("variables it gets", "SHOP_URL", "SHOP_URL, X")]),
    ],
)  # fmt: skip
def test_a_difference_is_said_in_words_field_by_field(
    declared: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    found = changes(version(DECLARED), version(declared))
    assert found == [Change(*one) for one in expected]
    assert changes(version(declared), version(DECLARED)) == [Change(field, b, a) for field, a, b in expected]


def test_of_the_first_version_everything_is_told() -> None:
    found = {change.field: change.after for change in changes(None, version(DECLARED))}
    assert found["risk"] == "medium"
    assert found["argument subject"] == "type: text; required: yes"
    assert found["source file a.py"] == "1" * 64
    assert all(change.before == "" for change in changes(None, version(DECLARED)))


def test_what_makes_no_difference_but_to_the_digest_is_shown_whole() -> None:
    other = version(changed("schema", required=["subject", "to"]))
    (change,) = changes(version(DECLARED), other)
    assert (change.field, change.after) == ("declaration", other.declaration)


@pytest.mark.parametrize(
    ("before", "after"),
    [(["a, b"], ["a", "b"]), (None, "none"), (True, "yes"), ("1", 1), (True, 1), ([], "none"), ("", None), ({}, "{}")],
)
def test_values_that_read_alike_still_differ(before: object, after: object) -> None:
    (change,) = changes(version(changed(environment=before)), version(changed(environment=after)))
    assert change.before != change.after


@pytest.mark.parametrize(
    "declared",
    [{}, changed(schema=None), changed(schema=[]), changed(sources="x"), changed(schema={}), {"schema": {"type": 7}}],
)
def test_a_row_that_somebody_wrote_by_hand_is_compared_too(declared: dict[str, Any]) -> None:
    assert changes(version(DECLARED), version(declared))
    assert changes(version(declared), version(DECLARED))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
PLACES = [(), ("schema",), ("schema", "properties"), ("sources",), *(("schema", "properties", name) for name in "ts")]
KEYS = ["risk", "required", "properties", "type", "anyOf", "items", "additionalProperties", "default", "enum", "t", "s"]


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(KEYS), JSON), max_size=4))
def test_two_versions_with_different_digests_never_look_alike(edits: list[tuple[tuple[str, ...], str, Any]]) -> None:
    base = {
        "risk": "low",
        "schema": {"properties": {"t": {"type": "string"}, "s": {}}, "required": ["t"]},
        "sources": {},
    }
    edited: Any = copy.deepcopy(base)
    for path, key, value in edits:
        part = edited
        for name in path:
            part = part.get(name) if isinstance(part, dict) else None
        if isinstance(part, dict):
            part[key] = value
    old, new = version(base), version(edited)
    assert bool(changes(old, new)) == (old.digest != new.digest)
    assert declared_changes(edited, edited) == []
