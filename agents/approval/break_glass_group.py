"""Who may break the glass: members of one named group, for requests that are not their own."""

from agents import principals
from agents.approval import eligibility
from agents.models import ToolCall
from agents.states import Status
from agents.visibility import BREAK_GLASS, User, group_names


def why_not(call: ToolCall, user: User) -> str:
    """Return "" if the person may break the glass for a pending call now, else why not."""
    if call.status != Status.PENDING:
        return f"The call is {call.get_status_display().lower()}; there is nothing to break the glass for."
    if eligibility.is_late(call):
        return eligibility.LATE
    if not (why := standing(call, user)) and eligibility.has_answered(call, user):
        return "You have decided already."
    return why


def standing(call: ToolCall, user: User) -> str:
    """Return "" if the person could break the glass for this call, whatever its state; still asked at the claim."""
    if not principals.is_person(user):
        return "Only active people count."
    if BREAK_GLASS not in group_names(user):
        return f"Members of {BREAK_GLASS} break the glass."
    if principals.is_own(call, user):  # not even where a rule allows self-approval
        return "This is your own request; somebody else must break the glass."
    if eligibility.wrote(call, user):
        return "You wrote these arguments; someone else must decide."
    return ""
