"""What agents are, what they did, and what people answered."""

from agents.models.agent import Agent, Halt
from agents.models.audience import AskedGroup, RunGroup
from agents.models.call import Execution, ToolCall, ToolCallRevision
from agents.models.decision import Block, Decision, DecisionReview, Requirement, RequirementGroup
from agents.models.delegation import Delegation
from agents.models.notification import Notification, NotificationTarget
from agents.models.outbox import Outbox
from agents.models.run import AgentRun, Turn

__all__ = [
    "Agent", "AgentRun", "AskedGroup", "Block", "Decision", "DecisionReview", "Delegation", "Execution", "Halt",
    "Notification", "NotificationTarget", "Outbox", "Requirement", "RequirementGroup", "RunGroup", "ToolCall",
    "ToolCallRevision", "Turn",
]  # fmt: skip
