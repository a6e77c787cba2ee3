"""Which calls may be decided together: few, of one tool, none of them dangerous, and each by one person's yes."""

from collections.abc import Iterable

from django.contrib.auth.models import AbstractUser

from agents.approval import eligibility, typed_name
from agents.models import ToolCall

MOST = 20


def why_not(call: ToolCall, user: AbstractUser, tool: str) -> str:
    """Return "" if the person may decide the call together with others of this tool, else why it is left out."""
    if why := eligibility.why_not(call, user):
        return why
    return why_not_together(call, tool)


def why_not_together(call: ToolCall, tool: str) -> str:
    """Return "" if nothing about a waiting call asks for a decision by itself, else what does."""
    if call.risk in typed_name.GRAVE:
        return f"Its risk is {call.risk}: such a call is decided by itself."
    if needed(call) > 1:
        return "More than one person must say yes: such a call is decided by itself."
    if call.sign_in_minutes is not None:
        return "Its rule asks for a recent sign-in: such a call is decided by itself."
    if call.tool_name != tool:
        return f"It is not a call of {tool}: only calls of one tool are decided together."
    return ""


def needed(call: ToolCall) -> int:
    """Return how many people the present round asks for."""
    return sum(one.count for one in call.requirements.all() if one.round == call.round)


def tool_of(calls: Iterable[ToolCall], user: AbstractUser) -> str:
    """Return the tool whose calls are meant: that of the first that may be decided with others, "" for none."""
    return next((call.tool_name for call in calls if not why_not(call, user, call.tool_name)), "")
