"""`m1 break-glass` and `m1 review-glass`: one person's yes in an emergency, and a second person's look at it."""

from typing import Any
from uuid import UUID

import click

from m1site.cli.client import Api, RefusedError
from m1site.cli.looking import Look, seen
from m1site.cli.options import digest_option, request_argument
from m1site.cli.output import as_json, show, table
from m1site.cli.typed import is_terminal

COLUMNS = (
    ("request", "requestId"), ("what", "headline"), ("status", "status"), ("agent", "agent"), ("for", "requester"),
)  # fmt: skip


@click.command(help="Approve the tool call REQUEST alone, in place of all who are asked. A second person reviews it.")
@request_argument
@click.option("--reason", required=True, help="Why it cannot wait, in ten characters or more; it stays on record.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask for the tool's name; for scripts.")
@digest_option
@as_json
def break_glass(request_id: UUID, reason: str, is_sure: bool, digest: str | None, is_json: bool) -> None:
    """Show the call, have its tool's name typed, and approve it."""
    api = Api()
    call = api.get(f"tool-calls/{request_id}")
    if call["whyNotBreakGlass"]:
        raise RefusedError(call["whyNotBreakGlass"])
    if not is_sure and not is_terminal():
        raise click.UsageError("There is no terminal to type the tool's name on; --yes does without.")
    body = _sure(call, digest, is_json) if not is_sure else seen(call, digest)
    told = api.post(f"tool-calls/{request_id}/break-glass", {**body, "reason": reason})
    show(told, is_json, f"{told['status']}: {told['headline']}\nSomebody else reviews it: m1 review-glass {request_id}")


@click.command("review-glass", help="Say what you found about the broken glass of REQUEST; without it, list them all.")
@click.argument("request_id", metavar="[REQUEST]", type=click.UUID, required=False)
@click.option("--note", help="What you found.")
@as_json
def review_glass(request_id: UUID | None, note: str | None, is_json: bool) -> None:
    """Record the review, or list what nobody has reviewed."""
    if (request_id is None) != (note is None):
        raise click.UsageError("A REQUEST and its --note go together.")
    if request_id is None:
        table(Api().every("tool-calls", needsReview="true"), COLUMNS, is_json, "Nothing waits for a review.")
        return
    told = Api().post(f"tool-calls/{request_id}/review", {"note": note})
    show(told, is_json, f"Reviewed: {told['headline']}")


def _sure(call: dict[str, Any], digest: str | None, is_json: bool) -> dict[str, Any]:
    """Return what was seen after the person has typed the tool's name. Raises RefusedError for another."""
    look = None if is_json else Look(call)
    if click.prompt(f"Type {call['tool']} to break the glass", type=str, err=True) != call["tool"]:
        raise RefusedError("That is not its name; nothing was recorded.")
    return {**(look.body() if look else {}), **seen(call, digest)}
