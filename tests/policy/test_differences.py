"""What differs between two policies: every piece once, in YAML and in words, and nothing where nothing does."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from policy import documents, yaml_text
from policy.differences import NOTHING, Difference, Kind, case_sentence, differences
from policy.documents import Document
from tests.policy.strategies import POLICY
from tests.world import POLICY as DEMO

OLD = documents.load(DEMO)


def changed(**pieces: Any) -> Document:
    return replace(OLD, **pieces)


def facts(old: Document, new: Document) -> list[tuple[str, str, str]]:
    return [(one.kind, one.what, one.name) for one in differences(old, new)]


def test_nothing_differs_from_itself() -> None:
    assert differences(OLD, documents.load(documents.dump(OLD))) == []


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (changed(rules=OLD.rules[1:]), [("removed", "rule", "read-files")]),
        (changed(tests=OLD.tests[1:]), [("removed", "test", OLD.tests[0].name)]),
        (changed(note=""), [("removed", "note", "")]),
        (changed(note="Other."), [("changed", "note", "")]),
        (changed(rules=(replace(OLD.rules[0], description="Else."), *OLD.rules[1:])),
         [("changed", "rule", "read-files")]),
        (changed(rules=(replace(OLD.rules[0], name="looking"), *OLD.rules[1:])),
         [("added", "rule", "looking"), ("removed", "rule", "read-files")]),
        (changed(rules=OLD.rules[::-1]), [("changed", "order", "rules")]),
        (changed(tests=(OLD.tests[1], OLD.tests[0], *OLD.tests[2:])), [("changed", "order", "tests")]),
        (changed(rules=OLD.rules[:0:-1]), [("removed", "rule", "read-files"), ("changed", "order", "rules")]),
    ],
)  # fmt: skip
def test_each_piece_that_differs_is_named_once(new: Document, expected: list[tuple[str, str, str]]) -> None:
    assert facts(OLD, new) == expected


def test_what_was_added_one_way_was_removed_the_other() -> None:
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    there, back = facts(NOTHING, OLD), facts(OLD, NOTHING)
    assert sorted((turned[kind], what, name) for kind, what, name in there) == sorted(back)
    assert len(there) == len(OLD.rules) + len(OLD.tests) + 1


def test_a_change_is_told_in_yaml_and_in_words() -> None:
    new = documents.load(DEMO.replace("- {count: 2, groups: [approver]}", "- {count: 3, groups: [approver]}", 1))
    [one] = [one for one in differences(OLD, new) if one.what == "rule"]
    assert isinstance(one, Difference) and one.kind is Kind.CHANGED
    assert yaml_text.read(one.before)[0] != yaml_text.read(one.after)[0]
    assert "count: 2" in one.before and "count: 3" in one.after
    assert "2 members of approver must approve" in one.sentence_before
    assert "3 members of approver must approve" in one.sentence_after


def test_test_cases_read_as_sentences() -> None:
    said = {case.name: case_sentence(case) for case in OLD.tests}
    assert said["deleting takes two people"] == (
        "A call of files.delete must need approval by 2 members of approver; matching: delete-files; "
        "no pre-authorisation may stand in."
    )
    assert said["two addresses dressed as one are denied"] == "A call of email.send must be denied."


@settings(max_examples=40, deadline=None, database=None)
@given(POLICY.filter(bool), POLICY.filter(bool))
def test_two_policies_differ_exactly_where_their_digests_do(old: list[Any], new: list[Any]) -> None:
    before, after = (documents.from_value({"format": 1, "rules": rules}) for rules in (old, new))
    assert (differences(before, after) == []) == (documents.digest(before) == documents.digest(after))
