"""The compliance officer's desk for what agents did; history is read-only, and decisions are actions."""

from agents.admin.agent import AgentAdmin
from agents.admin.decision import DecisionAdmin
from agents.admin.delegation import DelegationAdmin
from agents.admin.halt import HaltAdmin
from agents.admin.history import AgentRunAdmin, ExecutionAdmin
from agents.admin.notification import NotificationAdmin, NotificationTargetAdmin
from agents.admin.tool_call import ToolCallAdmin
from agents.admin.tool_version import ToolVersionAdmin

__all__ = [
    "AgentAdmin", "AgentRunAdmin", "DecisionAdmin", "DelegationAdmin", "ExecutionAdmin", "HaltAdmin",
    "NotificationAdmin", "NotificationTargetAdmin", "ToolCallAdmin", "ToolVersionAdmin",
]  # fmt: skip
