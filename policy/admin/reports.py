"""What a rule or a test case means in the draft as it would be with it: said before anything is saved."""

from dataclasses import dataclass, replace

from policy import cases, drafts, publishing
from policy.cases import Case, Failure
from policy.differences import case_sentence
from policy.documents import Document
from policy.engine import evaluate
from policy.errors import DocumentError
from policy.fitting import Finding
from policy.forms.known import Coverage, coverage
from policy.models import Rule as Row
from policy.rules import Rule
from policy.sentences import rule as in_words
from policy.sentences import verdict as verdict_in_words

MOST_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class RuleReport:
    """A rule in words, the tools it covers, what lint says of it, and the draft's test cases that fail with it.

    is_examined  whether lint and the test cases were asked at all
    """

    sentence: str
    coverage: Coverage
    findings: list[Finding]
    failures: list[Failure]
    is_examined: bool


@dataclass(frozen=True, slots=True)
class CaseReport:
    """A test case in words, what the draft's rules answer to its call, and what differs; "" where it passes."""

    sentence: str
    verdict: str
    problem: str
    findings: list[Finding]


def of_rule(rule: Rule, was: str, *, is_asked: bool) -> RuleReport:
    """Return what becomes of the draft with a rule in the place of the one named `was`, "" for a new one.

    is_asked  whether the person waits for the answer; else a long draft is not examined
    """
    words, covered = in_words(rule), coverage(rule, publishing.tools())
    if not is_asked and is_long():
        return RuleReport(words, covered, [], [], is_examined=False)
    found = publishing.examine(_with_rule(_draft(), rule, was))
    about = [finding for finding in found.findings if finding.where == f"rule {rule.name}"]
    return RuleReport(words, covered, about, found.failures, is_examined=True)


def is_long() -> bool:
    """Tell whether examining the draft takes longer than a page that nobody asked for it may."""
    return Row.objects.count() > MOST_AT_ONCE


def of_case(case: Case) -> CaseReport:
    """Return how the draft's rules do on a test case."""
    document, tools = replace(_draft(), tests=(case,)), publishing.tools()
    policy = document.compiled()
    verdict = evaluate(case.call.proposal(tools.get(case.call.tool)), policy)
    failed = cases.run([case], policy, tools)
    about = [one for one in publishing.examine(document).findings if one.where == f"test {case.name}"]
    return CaseReport(case_sentence(case), verdict_in_words(verdict), failed[0].problem if failed else "", about)


def _draft() -> Document:
    try:
        return drafts.document()
    except DocumentError:  # no rule yet
        return Document(())


def _with_rule(document: Document, rule: Rule, was: str) -> Document:
    others = {one.name: one for one in document.rules}
    rules = tuple(rule if name == was else one for name, one in others.items())
    tests = tuple(_renamed(case, was, rule.name) for case in document.tests)
    return replace(document, rules=rules if was in others else (*rules, rule), tests=tests)


def _renamed(case: Case, was: str, name: str) -> Case:
    """Return a test case that expects a rule under its new name, as saving the rule makes it."""
    if case.expect.rules is None or was not in case.expect.rules:
        return case
    return replace(
        case, expect=replace(case.expect, rules=tuple(name if one == was else one for one in case.expect.rules))
    )
