"""Test cases of a policy: a call, and what the rules must say to it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from audit.canonical import JSON
from policy.arguments import Schema
from policy.engine import CompiledPolicy, evaluate
from policy.proposal import Proposal, ToolShape
from policy.sentences import requirements as in_words
from policy.verdict import Outcome, Requirement, Verdict

_NO_REQUEST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Call:
    """A made-up tool call."""

    tool: str
    arguments: Mapping[str, JSON]
    agent: str
    environment: str
    requester: str
    requester_groups: tuple[str, ...]

    def proposal(self, schema: Schema | None) -> Proposal:
        """Return the call as the engine sees it, with its tool's defaults where the schema is known."""
        return Proposal(
            request_id=_NO_REQUEST,
            agent=self.agent,
            environment=self.environment,
            requester=self.requester,
            requester_groups=frozenset(self.requester_groups),
            shape=ToolShape(self.tool) if schema is None else ToolShape.of(self.tool, schema),
            arguments=self.arguments,
        )


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the verdict must be; None leaves a point open.

    rules         exactly the rules that must match, in any order
    requirements  exactly who must approve, in any order
    """

    outcome: Outcome
    rules: tuple[str, ...] | None
    requirements: tuple[Requirement, ...] | None
    preauthorization: bool | None


@dataclass(frozen=True, slots=True)
class Case:
    """A named call and what is expected of it."""

    name: str
    call: Call
    expect: Expectation


@dataclass(frozen=True, slots=True)
class Failure:
    """A test case that the rules do not pass, what differs, and the whole verdict."""

    case: str
    problem: str
    verdict: Verdict


def run(cases: Iterable[Case], policy: CompiledPolicy, schemas: Mapping[str, Schema]) -> list[Failure]:
    """Return the cases that fail, each with everything that differs; an empty list is success."""
    failures = []
    for case in cases:
        verdict = evaluate(case.call.proposal(schemas.get(case.call.tool)), policy)
        if problem := "; ".join(_differences(case.expect, verdict)):
            failures.append(Failure(case.name, problem, verdict))
    return failures


def _differences(expect: Expectation, verdict: Verdict) -> Iterator[str]:
    if expect.outcome != verdict.outcome:
        yield f"expected {expect.outcome}, got {verdict.outcome}"
    if expect.rules is not None and set(expect.rules) != set(verdict.matched):
        yield f"expected the rules {_listed(expect.rules)} to match, got {_listed(verdict.matched)}"
    if expect.requirements is not None and set(expect.requirements) != set(verdict.requirements):
        wanted, got = in_words(expect.requirements), in_words(verdict.requirements)
        yield f"expected approval by {wanted or 'nobody'}, got {got or 'nobody'}"
    if expect.preauthorization is not None and expect.preauthorization != verdict.preauthorization:
        yield f"expected that a pre-authorisation may {'' if expect.preauthorization else 'not '}stand in"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
