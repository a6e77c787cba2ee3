"""Patterns that cost: none takes longer than its size and the text's length allow, in rules and in schemas."""

from dataclasses import replace
from typing import Any

import pytest
import re2

from policy import lint
from policy.conditions import Error, NotHeld
from policy.conditions import parse as conditions
from policy.documents import from_value
from policy.engine import evaluate
from policy.operators.prepare import MAX_MATCHED, MAX_WORK, most_read, pattern_options
from policy.schemas import violations
from policy.verdict import Outcome
from tests.policy.test_engine import CALL, compiled, leaf, review

CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}
# What keeps a backtracking engine busy for longer than anybody lives, and the texts that do it.
CATASTROPHIC = [
    ("(a+)+", "a" * 5_000 + "!"), ("(a*)*b", "a" * 5_000), ("(a|a)*b", "a" * 5_000), ("(a|aa)+b", "a" * 5_000),
    ("(.*a){20}b", "a" * 5_000), ("([a-z]+)*@", "a" * 5_000), ("(x+x+)+y", "x" * 5_000), ("(a?){50}a{50}b", "a" * 99),
    ("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b!", "ab" * 2_500), ("([a-zA-Z0-9.])+@([a-z]+[.])+com", "a." * 2_500),
    ("(([a-z])+.)+[A-Z]([a-z])+", "a" * 5_000), (".*a[ab]{100}x", "ab" * 2_500), (".*a.{15}b", "ab" * 2_500 + "!"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "text"), CATASTROPHIC)
def test_a_catastrophic_pattern_has_an_answer(pattern: str, text: str) -> None:
    """Alone, beside others in one automaton, and as a tool's schema has it."""
    call = replace(CALL, arguments={"path": text, "size": 3})
    assert isinstance(conditions([leaf("path", "matches", pattern)]).holds(call.arguments), NotHeld)
    many = [review(f"r{at}", when=[leaf("path", "matches", f"(?:{pattern})|q{at}")]) for at in range(3)]
    assert [one.code for one in evaluate(call, compiled(*many)).reasons] == ["no_rule_matched"]
    schema = CLOSED | {"properties": {"path": {"type": "string", "pattern": f"^(?:{pattern})$"}}}
    assert violations(f"digest of {pattern}", schema, {"path": text})


# (pattern, how many characters it may read)
LARGE = [
    ("|".join(f".*a[ab]{{{size}}}x" for size in range(970, 1000)), 333), (".{1000}", 1249), ("(.{1,30}){1,30}x", 1233),
    (r"\pL{1,100}", 83), (".*a.{400}b", 3111), (".{0,200}", 5543), (".*[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}.*", MAX_MATCHED),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "about"), LARGE, ids=[str(about) for _, about in LARGE])
def test_a_large_pattern_reads_less_and_denies_what_is_longer(pattern: str, about: int) -> None:
    size = re2.compile(pattern, pattern_options()).programsize
    most = most_read(size)
    assert most * size <= MAX_WORK and abs(most - about) <= about // 10, most
    rules = [review(), review("other", when=[leaf("path", "matches", pattern)])]
    for length, outcome in ((most, Outcome.NEEDS_APPROVAL), (most + 1, Outcome.DENIED)):
        call = replace(CALL, arguments={"path": "-" * length, "size": 3})
        verdict = evaluate(call, compiled(*rules))
        assert verdict.outcome is outcome
        said = conditions(rules[1]["when"]).holds(call.arguments)
        assert isinstance(said, Error) == (outcome is Outcome.DENIED)
    assert f"is longer than the {most} characters this pattern may read" in verdict.reasons[0].sentence
    assert [one.code for one in verdict.reasons] == ["rule_unjudged"]


@pytest.mark.parametrize(("beyond", "is_shadowed"), [(0, True), (1, False)])
def test_lint_knows_that_a_large_pattern_may_have_no_answer(beyond: int, is_shadowed: bool) -> None:
    """A rule that denies what it cannot judge is not hidden by one that asks for every call."""
    pattern = r"\pL{1,100}"
    most = most_read(re2.compile(pattern, pattern_options()).programsize) + beyond
    schema = CLOSED | {"properties": {"path": {"type": "string", "maxLength": most}}, "required": ["path"]}
    document = from_value(
        {"format": 1, "rules": [review("broad"), review("narrow", when=[leaf("path", "matches", pattern)])]}
    )
    codes = {one.code for one in lint.findings(document, {"files.delete": schema}) if one.where == "rule narrow"}
    assert ("shadowed" in codes) == is_shadowed
