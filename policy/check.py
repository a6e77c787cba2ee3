"""The whole check of a proposal, in order: registry, halts, rules. One door for proposal, claim and dry run."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from audit import canonical, clock
from audit.errors import M1Error, MalformedJSONError
from policy import allowlist, headline, schemas, versions
from policy.arguments import defaults_of, names_of
from policy.engine import evaluate
from policy.models import PolicyCheck, PolicyVersion, ToolVersion
from policy.proposal import Proposal
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

    @property
    def declared(self) -> dict[str, Any]:
        """The tool's declaration; {} where the tool is not known."""
        return self.version.declared if self.version else {}


class _Denied(Exception):
    def __init__(self, code: str, sentence: str) -> None:
        super().__init__()
        self.reason = Reason("", sentence, "registry", code)


def judge(asked: Asked) -> Checked:
    """Return the verdict on a call as it stands now. Whatever goes wrong denies."""
    began = time.perf_counter_ns()
    version, policy, proposal = asked.version, None, None
    arguments, title = asked.arguments, f"Use {asked.tool[:100]!a}"
    try:
        version = _version(asked)
        declared = version.declared
        arguments, values = _arguments(asked, declared)
        title = headline.render(declared["headline"], values)
        if asked.halt:
            raise _Denied("halted", asked.halt)
        policy = versions.active()
        if policy is None:
            raise _Denied("no_policy", "No policy has been published yet, so every call is denied.")
        proposal = _proposal(asked, declared, values)
        verdict = evaluate(proposal, versions.compiled(policy))
    except _Denied as denied:
        verdict = Verdict.denied([denied.reason])
    except M1Error as exc:
        verdict = Verdict.denied([Reason("", str(exc), "error", "policy_error")])
    took = (time.perf_counter_ns() - began) // 1000
    return Checked(verdict, arguments, canonical.digest(arguments), title[:1000], version, policy, proposal, took)


def record(asked: Asked, checked: Checked, verdict: Verdict, phase: PolicyCheck.Phase) -> PolicyCheck:
    """Store one evaluation with the verdict that came of it."""
    return PolicyCheck.objects.create(
        request_id=asked.request_id, phase=phase, tool_name=asked.tool[:200],
        tool_digest=checked.version.digest if checked.version else "", arguments_digest=checked.digest,
        policy_version=checked.policy, outcome=verdict.outcome, verdict=verdict.as_dict(),
        microseconds=checked.microseconds, created_at=clock.now(),
    )  # fmt: skip


def _version(asked: Asked) -> ToolVersion:
    if asked.tool not in asked.allowed:
        raise _Denied("tool_not_allowed", f"The agent has no tool named {asked.tool[:100]!a}.")
    versions_ = allowlist.enabled(asked.tool)
    if asked.version is not None:
        versions_ = [version for version in versions_ if version.pk == asked.version.pk]
    if not versions_:
        raise _Denied("tool_not_enabled", f"The tool {asked.tool} is not enabled, or not in this version any more.")
    return versions_[0]


def _arguments(asked: Asked, declared: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    try:
        values = canonical.parse(asked.arguments)
    except MalformedJSONError as exc:
        raise _Denied("malformed_arguments", f"The arguments are not usable JSON: {exc.facts['reason']}.") from exc
    if not isinstance(values, dict):
        raise _Denied("malformed_arguments", "The arguments must be a JSON object.")
    schema = declared["schema"]
    found = schemas.violations(canonical.digest(canonical.encode(schema)), schema, values)
    if found:
        raise _Denied("invalid_arguments", " ".join(found))
    return canonical.encode(values), values


def _proposal(asked: Asked, declared: dict[str, Any], values: dict[str, Any]) -> Proposal:
    return Proposal(
        request_id=asked.request_id, agent=asked.agent, environment=asked.environment, requester=asked.requester,
        requester_groups=asked.requester_groups, tool=asked.tool, arguments=values,
        defaults=defaults_of(declared["schema"]), argument_names=names_of(declared["schema"]),
        sensitive=frozenset(declared["sensitive_arguments"]),
    )  # fmt: skip
