"""Which approvals take a typed name: dangerous ones, where the rule asks for no recent sign-in instead."""

from agents.models import ToolCall

GRAVE = frozenset({"high", "critical"})


def wanted(call: ToolCall) -> str:
    """Return the name that a person types to approve this call: its tool's; "" where nobody has to type anything."""
    return call.tool_name if call.risk in GRAVE and call.sign_in_minutes is None else ""


def is_right(call: ToolCall, typed: str) -> bool:
    """Tell whether what was typed is enough to approve this call; blanks around it do not matter."""
    return wanted(call) in ("", typed.strip())
