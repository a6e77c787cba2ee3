"""The whole check of a proposal, in order: registry, halts, rules. One door for proposal, claim and dry run."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError

from audit import canonical, clock, rows
from audit.errors import M1Error, MalformedJSONError
from policy import allowlist, headline, schemas, tool_facts, versions
from policy.engine import evaluate
from policy.models import PolicyCheck, PolicyVersion, ToolVersion
from policy.proposal import Proposal
from policy.reveal import reveal
from policy.tool_facts import ToolFacts
from policy.verdict import Reason, Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as its agent asked for it.

    arguments   JSON bytes, not trusted yet
    allowed     the tools that the agent may ask for
    halt        why it is halted, or ""
    version     the tool version that the call is bound to; None: the newest enabled one
    """

    request_id: UUID
    agent: str
    environment: str
    requester: str
    requester_groups: frozenset[str]
    tool: str
    arguments: bytes = field(repr=False)
    allowed: Collection[str]
    halt: str = ""
    version: ToolVersion | None = None


@dataclass(frozen=True, slots=True)
class InForce:
    """What the database says at the moment of a check.

    versions   the enabled versions of the tool, newest first
    policy     None before the first is published
    """

    versions: Sequence[ToolVersion]
    policy: PolicyVersion | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found. Without a proposal the call never reached the rules."""

    verdict: Verdict
    arguments: bytes = field(repr=False)
    digest: str
    headline: str
    version: ToolVersion | None
    policy: PolicyVersion | None
    proposal: Proposal | None
    microseconds: int
    declared: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The tool's declaration; {} where the tool is not known."""


class _Denied(Exception):
    def __init__(self, code: str, sentence: str) -> None:
        super().__init__()
        self.reason = Reason("", sentence, "registry", code)


def judge(asked: Asked) -> Checked:
    """Return the verdict on a call as it stands now. Whatever goes wrong denies."""
    began = time.perf_counter_ns()
    return weigh(asked, InForce(allowlist.enabled(asked.tool), versions.active()), began)


def weigh(asked: Asked, now: InForce, began: int) -> Checked:
    """Return the verdict on a call by what is in force; reads nothing but a policy that it meets for the first time.

    began   of the check, in nanoseconds of time.perf_counter_ns()
    """
    version, facts, proposal = asked.version, None, None
    arguments, title = asked.arguments, f"Use {asked.tool[:100]!a}"
    try:
        version = _version(asked, now.versions)
        facts = tool_facts.of(version)
        arguments, values = _arguments(asked, facts)
        title = headline.render(facts.declared["headline"], values)
        if asked.halt:
            raise _Denied("halted", asked.halt)
        if now.policy is None:
            raise _Denied("no_policy", "No policy has been published yet, so every call is denied.")
        proposal = proposal_of(asked, facts, values)
        verdict = evaluate(proposal, versions.compiled(now.policy))
    except _Denied as denied:
        verdict = Verdict.denied([denied.reason])
    except M1Error as exc:
        verdict = Verdict.denied([Reason("", str(exc), "error", "policy_error")])
    except DatabaseError:
        raise  # nothing can be decided at all, and the caller is told
    except Exception as exc:  # closed by default: a fault in here can only deny
        sentence = f"The call could not be checked ({type(exc).__name__}), so it is denied."
        verdict = Verdict.denied([Reason("", sentence, "error", "policy_error")])
    return Checked(
        verdict, arguments, canonical.digest(arguments), title[:1000], version, now.policy, proposal,
        (time.perf_counter_ns() - began) // 1000, facts.declared if facts else {},
    )  # fmt: skip


def row(
    asked: Asked, checked: Checked, verdict: Verdict, phase: PolicyCheck.Phase, created_at: datetime
) -> PolicyCheck:
    """Return one evaluation, with the verdict that came of it, ready to be stored."""
    return PolicyCheck(
        request_id=asked.request_id, phase=phase, tool_name=reveal(asked.tool[:200], one_line=True)[:200],
        tool_digest=checked.version.digest if checked.version else "", arguments_digest=checked.digest,
        policy_version_id=checked.policy.pk if checked.policy else None,
        outcome=verdict.outcome, verdict=verdict.as_dict(),
        microseconds=checked.microseconds, created_at=created_at,
    )  # fmt: skip


def record(asked: Asked, checked: Checked, verdict: Verdict, phase: PolicyCheck.Phase) -> PolicyCheck:
    """Store one evaluation with the verdict that came of it."""
    stored = row(asked, checked, verdict, phase, clock.now())
    rows.insert(stored)
    return stored


def proposal_of(asked: Asked, facts: ToolFacts, values: dict[str, Any]) -> Proposal:
    """Return what the rules see of a call whose arguments are valid."""
    return Proposal(
        request_id=asked.request_id, agent=asked.agent, environment=asked.environment, requester=asked.requester,
        requester_groups=asked.requester_groups, shape=facts.shape, arguments=values,
    )  # fmt: skip


def _version(asked: Asked, enabled: Sequence[ToolVersion]) -> ToolVersion:
    if asked.tool not in asked.allowed:
        raise _Denied("tool_not_allowed", f"The agent has no tool named {asked.tool[:100]!a}.")
    found = [one for one in enabled if asked.version is None or one.pk == asked.version.pk]
    if not found:
        raise _Denied("tool_not_enabled", f"The tool {asked.tool} is not enabled, or not in this version any more.")
    return found[0]


def _arguments(asked: Asked, facts: ToolFacts) -> tuple[bytes, dict[str, Any]]:
    try:
        values = canonical.parse(asked.arguments)
    except MalformedJSONError as exc:
        raise _Denied("malformed_arguments", f"The arguments are not usable JSON: {exc.facts['reason']}.") from exc
    if not isinstance(values, dict):
        raise _Denied("malformed_arguments", "The arguments must be a JSON object.")
    if found := schemas.violations(facts.schema_digest, facts.schema, values):
        raise _Denied("invalid_arguments", " ".join(found))
    return canonical.encode(values), values
