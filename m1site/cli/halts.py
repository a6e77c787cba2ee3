"""`m1 halt`: stop everything, an agent or a tool; and let them go on."""

from uuid import UUID

import click

from m1site.cli.client import Api
from m1site.cli.lazy import Command, LazyGroup
from m1site.cli.output import as_json, show, table

COLUMNS = (
    ("halt", "id"), ("agent", "agent"), ("tool", "tool"), ("by", "person"), ("since", "createdAt"),
    ("lifted", "liftedAt"), ("why", "reason"),
)  # fmt: skip
COMMANDS = {
    "set": Command("m1site.cli.halts:set_", "Stop everything, an agent or a tool."),
    "lift": Command("m1site.cli.halts:lift", "Let what was stopped go on."),
    "list": Command("m1site.cli.halts:list_", "List what is stopped."),
}


@click.group(cls=LazyGroup, commands_by_name=COMMANDS, help="Stop everything, an agent or a tool; let them go on.")
def halt() -> None:
    """Nothing but the commands."""


@click.command("set", help="Stop everything, or the agent or the tool that is named. What runs already runs on.")
@click.option("--agent", help="This agent only, by name.")
@click.option("--tool", help="This tool only, by name.")
@click.option("--reason", required=True, help="Why.")
@as_json
def set_(agent: str | None, tool: str | None, reason: str, is_json: bool) -> None:
    """Set a halt."""
    body = {"reason": reason} | ({"agent": agent} if agent else {}) | ({"tool": tool} if tool else {})
    told = Api().post("halts", body)
    what = f"The agent {agent}" if agent else f"The tool {tool}" if tool else "Everything"
    show(told, is_json, f"{what} is halted: {told['id']}")


@click.command(help="Lift HALT. What it stopped gets back the time that it was stopped.")
@click.argument("halt_id", metavar="HALT", type=click.UUID)
@as_json
def lift(halt_id: UUID, is_json: bool) -> None:
    """Lift a halt."""
    Api().delete(f"halts/{halt_id}")
    show({"id": str(halt_id)}, is_json, f"{halt_id} is lifted.")


@click.command("list", help="List what is stopped, by whom and why.")
@click.option("--all", "is_all", is_flag=True, help="What was lifted, too.")
@as_json
def list_(is_all: bool, is_json: bool) -> None:
    """List halts, newest first."""
    query = {"state": "all"} if is_all else {}
    table(Api().every("halts", **query), COLUMNS, is_json, "Nothing is halted.")
