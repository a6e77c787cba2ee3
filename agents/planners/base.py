"""What goes into a planner and what comes out: values only, so that any process can take a run up."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from agents.errors import AgentsError
from agents.pricing import UNPRICED, Cost, Usage

# Above this many the Messages API wants a streamed reply; a streamed reply would have to be put together again from
# pieces, and what is stored would no longer be the wire JSON. One turn of tool calls is far below.
MAX_OUTPUT_TOKENS = 21_333


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the agent may ask for it, under M1's name (`files.read`), without the added reason."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class PastTurn:
    """One stored turn, both sides as wire JSON.

    request   content of the user message that led to the reply; "" where the reply continues a paused one
    reply     the whole reply body, verbatim
    """

    number: int
    request: str
    reply: str


@dataclass(frozen=True)
class CallOutcome:
    """What became of one tool call of the last turn.

    status    where the call came to rest, a word of ToolCall.status
    output    the tool's result, or its error
    note      a person's reason or comment, or policy's message
    settled   the end was unknown, and a person recorded it afterwards
    edited    what a person changed in the arguments before they were decided, in a sentence
    """

    tool_use_id: str
    tool: str
    status: str
    output: str
    is_error: bool
    note: str
    settled: bool = False
    edited: str = ""


@dataclass(frozen=True)
class RunConfig:
    """The agent's configuration as the run froze it; scenario is YAML, "" unless the planner is scripted."""

    model: str
    system_prompt: str
    tools: tuple[ToolSpec, ...]
    max_tokens: int
    scenario: str
    planner: str


@dataclass(frozen=True)
class Conversation:
    """A run so far: every stored turn, oldest first, and the outcomes of the last turn's calls, in their order."""

    run_id: UUID
    goal: str
    config: RunConfig
    turns: tuple[PastTurn, ...]
    outcomes: tuple[CallOutcome, ...]


@dataclass(frozen=True)
class ToolUse:
    """A tool call that the agent asks for; still only a proposal.

    tool        M1's name, or the model's own word where no tool has that name
    arguments   JSON bytes as the model wrote them, reason taken out; they may be malformed
    reason      the agent's own words; "" where it gave none, which is malformed too
    """

    id: str
    tool: str
    arguments: bytes
    reason: str


class Stop(StrEnum):
    """Why a reply ended, as far as the run is concerned."""

    CALLS = "calls"
    DONE = "done"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    PAUSED = "paused"
    FAILED = "failed"


@dataclass(frozen=True)
class Reply:
    """One turn of the agent. Only `Stop.CALLS` comes with uses.

    stop_reason   as the provider said it
    text          what a person reads: text and summarised thinking
    request       content of the user message that was sent, wire JSON; "" when a paused reply was continued
    reply         the whole body, verbatim
    problem       a sentence that says why the stop is FAILED
    """

    stop: Stop
    stop_reason: str
    text: str
    request: str
    reply: str
    uses: tuple[ToolUse, ...]
    model: str
    message_id: str
    provider_request_id: str
    retries: int
    usage: Usage
    cost: Cost
    latency_ms: int
    scripted: bool
    problem: str = ""


class PlannerError(AgentsError):
    """The planner has no next turn: {problem}

    problem               what happened, with the way out
    retryable             the same request may succeed later
    status                HTTP status of the provider's answer, None without an answer
    provider_request_id   as the provider named the request, or ""
    retry_after_seconds   how long the provider asked to wait, None if it did not
    usage, cost           of a reply that came and cannot be used, as far as it says so
    """

    code = "planner_error"
    http_status = 502

    def __init__(
        self,
        *,
        problem: str = "no reason given.",  # a default, since unpickling calls this without arguments
        retryable: bool = False,
        status: int | None = None,
        provider_request_id: str = "",
        retry_after_seconds: float | None = None,
        usage: Usage | None = None,
        cost: Cost = UNPRICED,
    ) -> None:
        super().__init__(problem=problem)
        self.retryable = retryable
        self.status = status
        self.provider_request_id = provider_request_id
        self.retry_after_seconds = retry_after_seconds
        self.usage = usage
        self.cost = cost


class AbandonedError(PlannerError):
    """Nobody waits for the planner any more: {problem}"""

    code = "abandoned"


class Planner(Protocol):
    """Whatever can say what an agent does next."""

    def next_turn(self, conversation: Conversation) -> Reply:
        """Return the next turn. Raises PlannerError; nothing is executed and nothing is stored."""
        ...
