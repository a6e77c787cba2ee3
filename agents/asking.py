"""A stored call as the policy check takes it, when it is judged again."""

from agents import configuration
from agents.models import ToolCall
from agents.visibility import group_names
from policy.check import Asked


def again(call: ToolCall, arguments: bytes, *, halt: str = "") -> Asked:
    """Return the call with these arguments, bound to the tool version that it was proposed for, agent and groups as
    they are now.

    halt   the sentence that says what stops it, if a halt is to deny it
    """
    run = call.run
    switched_off = "" if run.agent.is_enabled else f"The agent {run.agent.name} is switched off."
    return Asked(
        request_id=call.pk, agent=run.agent.name, environment=run.environment,
        requester=run.requester.get_username(), requester_groups=group_names(run.requester), tool=call.tool_name,
        arguments=arguments, allowed=configuration.allowed_tools(run), version=call.tool_version,
        halt=halt or switched_off,
    )  # fmt: skip
