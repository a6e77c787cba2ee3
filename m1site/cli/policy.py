"""`m1 policy`: the next policy from a file to a version in force, and a dry run of the one in force."""

import json
from typing import Any

import click

from m1site.cli.client import Api
from m1site.cli.lazy import Command, LazyGroup
from m1site.cli.output import as_json, say, show

COMMANDS = {
    "check": Command("m1site.cli.policy:check", "Ask what the policy in force would say to a call."),
    "export": Command("m1site.cli.policy_draft:export", "Print a policy as YAML."),
    "test": Command("m1site.cli.policy_draft:test", "Say what would stop a policy from being published."),
    "apply": Command("m1site.cli.policy_draft:apply", "Make the draft say what a file says."),
    "diff": Command("m1site.cli.policy_compare:diff", "Show what differs between two policies."),
    "replay": Command("m1site.cli.policy_compare:replay", "Judge past calls by another policy: which would flip?"),
    "publish": Command("m1site.cli.policy_draft:publish", "Put the draft in force."),
    "schema": Command("m1site.cli.policy:schema", "Print the JSON Schema of policies, for editors."),
}


@click.group(cls=LazyGroup, commands_by_name=COMMANDS, help="Write, test, compare and publish the policy.")
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


@click.command(help="Print the JSON Schema of policies: an editor completes, explains and marks with it.")
@as_json
def schema(is_json: bool) -> None:
    """Print the schema, which is JSON either way."""
    click.echo(json.dumps(Api().get("policy/document-schema"), indent=None if is_json else 2))


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise click.BadParameter(f"is not JSON: {exc}", param_hint="ARGUMENTS") from exc
    if not isinstance(value, dict):
        raise click.BadParameter("is not a JSON object", param_hint="ARGUMENTS")
    return value
