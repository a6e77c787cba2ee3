"""Conversations for the tests of planners: small, and with every part that may matter."""

from dataclasses import replace
from uuid import UUID

from agents.planners.base import CallOutcome, Conversation, PastTurn, Reply, RunConfig, ToolSpec

READ = ToolSpec(
    "files.read",
    "Read a file.",
    {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"], "additionalProperties": False},
)
REFUND = ToolSpec(
    "shop.refund",
    "Pay money back.",
    {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "amount": {"type": "number"}},
        "required": ["reason", "amount"],
        "additionalProperties": False,
    },
)


def conversation(
    *, scenario: str = "", max_tokens: int = 4096, tools: tuple[ToolSpec, ...] = (READ, REFUND)
) -> Conversation:
    """Return a run that has not had its first turn."""
    config = RunConfig("claude-opus-5-5", "You tidy up.", tools, max_tokens, scenario, "claude")
    return Conversation(UUID("0190b7a0-0000-7000-8000-000000000001"), "Tidy the workspace.", config, (), ())


def then(before: Conversation, reply: Reply, *outcomes: CallOutcome) -> Conversation:
    """Return the run one turn on, as another process would find it: from what is stored, and nothing else."""
    turn = PastTurn(len(before.turns) + 1, reply.request, reply.reply)
    return replace(before, turns=(*before.turns, turn), outcomes=outcomes)


def outcome(
    use_id: str, status: str = "succeeded", output: str = "", note: str = "", settled: bool = False
) -> CallOutcome:
    """Return what became of a call."""
    return CallOutcome(use_id, "files.read", status, output, status != "succeeded", note, settled)
