"""What agents are, what they did, and what people answered."""

from agents.models.agent import Agent, Halt
from agents.models.call import Decision, Execution, Requirement, RequirementGroup, ToolCall, ToolCallRevision
from agents.models.outbox import Outbox
from agents.models.run import AgentRun, Turn

__all__ = [
    "Agent", "AgentRun", "Decision", "Execution", "Halt", "Outbox", "Requirement", "RequirementGroup",
    "ToolCall", "ToolCallRevision", "Turn",
]  # fmt: skip
