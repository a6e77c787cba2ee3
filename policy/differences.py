"""What one policy says and another does not, piece by piece: as YAML and as sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from audit.canonical import JSON
from policy import case_fields, rule_fields, sentences, yaml_text
from policy.cases import Case
from policy.documents import Document
from policy.rules import Rule
from policy.verdict import Outcome

_Part = TypeVar("_Part", Rule, Case)
NOTHING = Document(())


class Kind(StrEnum):
    """What became of a piece."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One piece that is not the same in both; "" stands for what is not there.

    what                     rule, test, note or order (of rules or tests; it changes no verdict)
    before, after            the piece as YAML, the note as it is, the order as a name per line
    sentence_before, _after  the piece in words
    """

    kind: Kind
    what: str
    name: str
    before: str
    after: str
    sentence_before: str
    sentence_after: str


def differences(old: Document, new: Document) -> list[Difference]:
    """Return every rule and test case that was added, removed or changed, the note, and the order."""
    return [
        *_note(old.note, new.note),
        *_parts("rule", old.rules, new.rules, rule_fields.to_value, sentences.rule),
        *_parts("test", old.tests, new.tests, case_fields.to_value, case_sentence),
    ]


def case_sentence(case: Case) -> str:
    """Return a test case in words."""
    call, expect = case.call, case.expect
    by = f" by agent {sentences.value(call.agent)}" if call.agent else ""
    place = f" in environment {sentences.value(call.environment)}" if call.environment else ""
    asked = f" for a member of {' and '.join(call.requester_groups)}" if call.requester_groups else ""
    outcome = "be denied" if expect.outcome == Outcome.DENIED else "need approval"
    people = f" by {sentences.requirements(expect.requirements)}" if expect.requirements else ""
    rules = "" if expect.rules is None else f"; matching: {', '.join(expect.rules) or 'no rule'}"
    ahead = {None: "", True: "; a pre-authorisation may stand in", False: "; no pre-authorisation may stand in"}
    return f"A call of {call.tool}{by}{place}{asked} must {outcome}{people}{rules}{ahead[expect.preauthorization]}."


def _note(before: str, after: str) -> Iterator[Difference]:
    if before != after:
        yield Difference(_kind(before, after), "note", "", before, after, before, after)


def _parts(
    what: str, old: Sequence[_Part], new: Sequence[_Part],
    to_value: Callable[[_Part], dict[str, JSON]], sentence: Callable[[_Part], str],
) -> Iterator[Difference]:  # fmt: skip
    before: dict[str, _Part] = {part.name: part for part in old}
    after: dict[str, _Part] = {part.name: part for part in new}
    for name in [*after, *(name for name in before if name not in after)]:
        was, now = before.get(name), after.get(name)
        if was != now:
            texts = [yaml_text.write(to_value(one)) if one else "" for one in (was, now)]
            words = [sentence(one) if one else "" for one in (was, now)]
            yield Difference(_kind(*texts), what, name, *texts, *words)
    yield from _order(what, before, after)


def _order(what: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Difference]:
    """Yield that the pieces that both have stand in another order."""
    was, now = [name for name in before if name in after], [name for name in after if name in before]
    if was != now:
        words = f"{what.title()}s stand in another order, which changes no verdict."
        yield Difference(Kind.CHANGED, "order", f"{what}s", "\n".join(was), "\n".join(now), "", words)


def _kind(before: str, after: str) -> Kind:
    return Kind.ADDED if not before else Kind.REMOVED if not after else Kind.CHANGED
