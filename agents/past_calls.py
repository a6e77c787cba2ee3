"""Tool calls as they were proposed, with what policy said then: read in batches, so that any number fits in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from agents.models import ToolCall, ToolCallRevision
from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error
from policy import check, tool_facts
from policy.check import Asked
from policy.models import PolicyCheck, ToolVersion
from policy.proposal import Proposal
from policy.tool_facts import ToolFacts, ToolRowChangedError
from policy.verdict import Outcome, Requirement

BATCH = 200  # arguments may be a megabyte each
_VERDICT = ("request_id", "outcome", "verdict")
_COLUMNS = (
    "pk", "tool_name", "tool_version_id", "headline", "created_at", "run__agent__name", "run__environment",
    "run__requester_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call when it was proposed.

    outcome, requirements   what policy said then; a pre-authorisation counted in the outcome
    proposal                for the rules; None where the call never came to them, or cannot be put to them again
    why_not                 the code of what kept it from them, "" where nothing did
    """

    request_id: UUID
    tool: str
    headline: str
    at: datetime
    outcome: Outcome
    requirements: frozenset[Requirement]
    proposal: Proposal | None = field(repr=False)
    why_not: str


class _NotJudged(Exception):
    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code


def batches(since: datetime) -> Iterator[Iterator[PastCall]]:
    """Yield the calls proposed since then, newest first, with their requesters' groups as they are now.

    Each batch is to be taken before the next; its calls are parsed one at a time.
    """
    rows = ToolCall.objects.filter(created_at__gte=since).order_by("-pk").values_list(*_COLUMNS)
    stream, reader = rows.iterator(chunk_size=BATCH), _Reader()
    while batch := list(islice(stream, BATCH)):
        yield reader.read(batch)


class _Reader:
    """What many calls share is read once: people and their groups, tools."""

    def __init__(self) -> None:
        self._people: dict[UUID, tuple[str, frozenset[str]]] = {}
        self._facts: dict[UUID, ToolFacts | None] = {}

    def read(self, rows: list[tuple[Any, ...]]) -> Iterator[PastCall]:
        """Yield a batch of calls."""
        keys = [row[0] for row in rows]
        first = ToolCallRevision.objects.filter(call_id__in=keys, number=1)
        arguments = {key: bytes(body) for key, body in first.values_list("call_id", "arguments")}
        said = PolicyCheck.objects.filter(request_id__in=keys, phase=PolicyCheck.Phase.PROPOSAL).order_by("-created_at")
        verdicts = {key: (outcome, verdict) for key, outcome, verdict in said.values_list(*_VERDICT)}
        self._learn({row[-1] for row in rows} - self._people.keys())
        for row in rows:
            yield self._call(row, arguments.pop(row[0], b""), *verdicts.get(row[0], ("", {})))

    def _call(self, row: tuple[Any, ...], arguments: bytes, outcome: str, verdict: Mapping[str, Any]) -> PastCall:
        key, tool, version, headline, at, *who = row
        proposal, why_not = None, _kept_from_rules(verdict)
        if not why_not:
            try:
                proposal = self._proposal(key, who, version, arguments)
            except _NotJudged as exc:
                why_not = exc.code
        asked = frozenset(Requirement.from_dict(one) for one in verdict.get("requirements", ()))
        return PastCall(key, tool, headline, at, Outcome(outcome or "denied"), asked, proposal, why_not)

    def _proposal(self, key: UUID, who: list[Any], version: UUID | None, arguments: bytes) -> Proposal:
        agent, environment, requester = who
        facts = self._facts_of(version)
        username, groups = self._people[requester]
        asked = Asked(
            request_id=key, agent=agent, environment=environment, requester=username, requester_groups=groups,
            tool=facts.shape.tool, arguments=arguments, allowed=(),
        )  # fmt: skip
        return check.proposal_of(asked, facts, _object(arguments))

    def _facts_of(self, version: UUID | None) -> ToolFacts:
        if version is None:
            raise _NotJudged("no_tool_version")
        if version not in self._facts:
            self._facts[version] = _read(ToolVersion.objects.select_related("tool").get(pk=version))
        facts = self._facts[version]
        if facts is None:
            raise _NotJudged(ToolRowChangedError.code)
        return facts

    def _learn(self, people: set[UUID]) -> None:
        for person in get_user_model().objects.filter(pk__in=people).prefetch_related("groups"):
            self._people[person.pk] = person.get_username(), frozenset(group.name for group in person.groups.all())


def _kept_from_rules(verdict: Mapping[str, Any]) -> str:
    """Return the code of the reason that stood before the rules; "" where they have spoken."""
    if not verdict:
        return "no_verdict"
    return next((str(one["code"]) for one in verdict.get("reasons", ()) if one["effect"] == "registry"), "")


def _read(version: ToolVersion) -> ToolFacts | None:
    try:
        return tool_facts.of(version)
    except M1Error:  # changed by hand: nobody knows what it was
        return None


def _object(arguments: bytes) -> dict[str, JSON]:
    try:
        values = canonical.parse(arguments)
    except M1Error:
        raise _NotJudged("malformed_arguments") from None
    if not isinstance(values, dict):
        raise _NotJudged("malformed_arguments")
    return values
