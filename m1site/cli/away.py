"""`m1 away`: who decides in a person's place while they are away."""

from datetime import datetime
from typing import Any
from uuid import UUID

import click

from m1site.cli.client import Api
from m1site.cli.lazy import Command, LazyGroup
from m1site.cli.output import as_json, show, table

COLUMNS = (
    ("delegation", "id"), ("away", "person"), ("stands in", "delegate"), ("from", "startsAt"), ("until", "endsAt"),
    ("in force", "isInForce"), ("ended", "endedAt"), ("why", "reason"),
)  # fmt: skip
COMMANDS = {
    "give": Command("m1site.cli.away:give", "Let somebody decide in your place."),
    "list": Command("m1site.cli.away:list_", "List your stand-ins, and whom you stand in for."),
    "end": Command("m1site.cli.away:end", "End a delegation at once."),
}


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the time with its offset; one without is meant as this machine's clock has it."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return (found if found.tzinfo else found.astimezone()).isoformat()
    except (ValueError, OverflowError, OSError) as exc:
        raise click.BadParameter(f"{value} is no time, as 2026-08-01 or 2026-08-01T09:00 is.") from exc


@click.group(cls=LazyGroup, commands_by_name=COMMANDS, help="Let somebody decide in your place while you are away.")
def away() -> None:
    """Nothing but the commands."""


@click.command(help="Let somebody decide in your place. They answer as themselves, and it is on record for whom.")
@click.option("--to", "delegate", metavar="USER", required=True, help="Who stands in: a username.")
@click.option("--until", callback=_moment, required=True, help="When you are back, as 2026-08-01 or 2026-08-01T09:00.")
@click.option("--from", "since", callback=_moment, help="From when on.  [default: now]")
@click.option("--reason", required=True, help="Why.")
@as_json
def give(delegate: str, until: str, since: str | None, reason: str, is_json: bool) -> None:
    """Make a delegation."""
    body: dict[str, Any] = {"delegate": delegate, "endsAt": until, "reason": reason}
    told = Api().post("delegations", body | ({"startsAt": since} if since else {}))
    words = f"{told['id']}: {told['delegate']} stands in for {told['person']}"
    show(told, is_json, f"{words} from {told['startsAt']} to {told['endsAt']}.")


@click.command("list", help="List your stand-ins and whom you stand in for, or, if you oversee, everybody's.")
@click.option("--all", "is_all", is_flag=True, help="Those that are over, too.")
@as_json
def list_(is_all: bool, is_json: bool) -> None:
    """List delegations, newest first."""
    query = {"state": "all"} if is_all else {}
    table(Api().every("delegations", **query), COLUMNS, is_json, "Nobody stands in for you, nor you for anybody.")


@click.command(help="End the DELEGATION at once; what was decided under it and has not run counts no more.")
@click.argument("delegation_id", metavar="DELEGATION", type=click.UUID)
@as_json
def end(delegation_id: UUID, is_json: bool) -> None:
    """End it."""
    Api().delete(f"delegations/{delegation_id}")
    show({"id": str(delegation_id)}, is_json, f"{delegation_id} is ended.")
