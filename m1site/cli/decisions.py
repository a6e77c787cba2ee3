"""`m1 pending`, `approve`, `reject`, `reopen`, `settle`: a person's answers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click

from m1site.cli import asking, typed
from m1site.cli.client import Api, RefusedError
from m1site.cli.looking import seen
from m1site.cli.options import digest_option, request_argument
from m1site.cli.output import as_json, show, table
from policy.reveal import reveal

COLUMNS = (
    ("request", "requestId"), ("what", "headline"), ("risk", "risk"), ("agent", "agent"), ("for", "requester"),
    ("until", "expiresAt"), ("mark", "mark"),
)  # fmt: skip


@click.command(help="List what waits for your decision.")
@as_json
def pending(is_json: bool) -> None:
    """List the calls that the person may decide now, and mark those that are escalated or somebody else's."""
    calls = Api().every("tool-calls", waitingForMe="true")
    rows = calls if is_json else ({**call, "mark": _mark(call)} for call in calls)
    table(rows, COLUMNS, is_json, "Nothing waits for you.")


@click.command(help="Approve the tool call REQUEST as it is now.")
@request_argument
@click.option("--comment", default="", help="What you want to say with it.")
@click.option("--confirm", metavar="NAME", help="The tool's name; a script says it where the risk is high or critical.")
@digest_option
@as_json
def approve(request_id: UUID, comment: str, confirm: str | None, digest: str | None, is_json: bool) -> None:
    """Record a yes to the arguments as M1 has them now, or to those of the digest."""
    api = Api()
    call = api.get(f"tool-calls/{request_id}")
    _confirmed(call, confirm)
    told = api.post(f"tool-calls/{request_id}/approve", seen(call, digest, comment=comment))
    show(told, is_json, f"{told['status']}: {told['headline']}")


@click.command(help="Reject the tool call REQUEST; the agent reads why.")
@request_argument
@click.option("--comment", required=True, help="Why; the agent reads it.")
@click.option("--stop-run", is_flag=True, help="Cancel the whole run with it.")
@digest_option
@as_json
def reject(request_id: UUID, comment: str, stop_run: bool, digest: str | None, is_json: bool) -> None:
    """Record a no."""
    api = Api()
    body = seen(api.get(f"tool-calls/{request_id}"), digest, comment=comment, stopRun=stop_run)
    told = api.post(f"tool-calls/{request_id}/reject", body)
    show(told, is_json, f"{told['status']}: {told['headline']}")


@click.command(help="Say how the lost tool call REQUEST ended, after you have looked.")
@request_argument
@click.argument("outcome", type=click.Choice(["succeeded", "failed"]))
@click.option("--note", required=True, help="How you know.")
@as_json
def settle(request_id: UUID, outcome: str, note: str, is_json: bool) -> None:
    """Record what became of it."""
    told = Api().post(f"tool-calls/{request_id}/settle", {"outcome": outcome, "note": note})
    show(told, is_json, f"{told['status']}: {told['headline']}")


@click.command(help="Let the agent ask again, in the same run, for what was rejected as REQUEST.")
@request_argument
@click.option("--reason", required=True, help="Why.")
@as_json
def reopen(request_id: UUID, reason: str, is_json: bool) -> None:
    """Lift the block of a rejection."""
    told = Api().post(f"tool-calls/{request_id}/reopen", {"reason": reason})
    show(told, is_json, f"Reopened: {told['headline']}")


def _confirmed(call: Mapping[str, Any], name: str | None) -> None:
    """Have a dangerous tool named, by the option or on the terminal. Raises UsageError or RefusedError otherwise."""
    if name is not None and name != call["tool"]:
        raise click.BadParameter(f"the tool of this call is {call['tool']}", param_hint="--confirm")
    if name is not None or not asking.needs_name(call) or call["whyNot"]:
        return
    if not typed.is_terminal():
        raise click.UsageError(f"The risk is {call['risk']}: name the tool that you approve with --confirm.")
    click.echo(reveal(call["headline"]), err=True)
    if click.prompt(f"Type {call['tool']} to approve", type=str, err=True) != call["tool"]:
        raise RefusedError("That is not its name; nothing was recorded.")


def _mark(call: Mapping[str, Any]) -> str:
    marks = [f"in the place of {call['onBehalfOf']}"] if call["onBehalfOf"] else []
    return ", ".join(marks + ["escalated"] * bool(call["escalatedAt"]))
