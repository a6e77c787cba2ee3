"""`m1 policy`: a dry run by anyone who may sign in; publishing, on the database, by the operator."""

import json
from typing import Any

import click

from m1site.cli.client import Api
from m1site.cli.lazy import Command, LazyGroup
from m1site.cli.output import as_json, say, show

COMMANDS = {
    "check": Command("m1site.cli.policy:check", "Ask what policy would say to a call."),
    "publish": Command("m1site.cli.publish:publish", "Publish a policy file (operator).", needs_django=True),
}


@click.group(cls=LazyGroup, commands_by_name=COMMANDS, help="Try a call on the policy; publish a policy.")
def policy() -> None:
    """Nothing but the commands."""


@click.command(help="Ask what policy would say to a call of TOOL with ARGUMENTS (JSON) by an agent of a run of yours.")
@click.argument("tool")
@click.argument("arguments", default="{}")
@click.option("--agent", required=True, help="The agent's name.")
@as_json
def check(tool: str, arguments: str, agent: str, is_json: bool) -> None:
    """Print the verdict; exit code 1 where the call would be denied."""
    told = Api().post("policy/check", {"agent": agent, "tool": tool, "arguments": _object(arguments)})
    show(told, is_json, f"{told['outcome']}: {told['headline']}")
    if not is_json:
        for reason in told["reasons"]:
            say(f"  {reason['sentence']}")
    if told["outcome"] == "denied":
        click.get_current_context().exit(1)


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise click.BadParameter(f"is not JSON: {exc}", param_hint="ARGUMENTS") from exc
    if not isinstance(value, dict):
        raise click.BadParameter("is not a JSON object", param_hint="ARGUMENTS")
    return value
