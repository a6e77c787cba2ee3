"""`m1 preauthorize` and `m1 token`: a yes ahead of time, and the ledger of tokens."""

import json
from typing import Any
from uuid import UUID

import click

from m1site.cli.client import Api
from m1site.cli.output import as_json, show, table

COLUMNS = (
    ("token", "jti"), ("kind", "kind"), ("by", "person"), ("uses", "uses"), ("of", "maxUses"), ("until", "expiresAt"),
    ("revoked", "revokedAt"), ("note", "note"),
)  # fmt: skip


def _condition(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[Any]:
    try:
        return [json.loads(value) for value in values]
    except ValueError as exc:
        raise click.BadParameter(f"is not JSON: {exc}") from exc


@click.command(help="Say yes ahead of time: to these agents, for these requesters, with these tools.")
@click.option("--agent", "agents", multiple=True, required=True, help="An agent's name.")
@click.option("--requester", "requesters", multiple=True, required=True, help="Whose runs.")
@click.option("--tool", "tools", multiple=True, required=True, help="A tool's name; its present definition is meant.")
@click.option("--condition", "conditions", multiple=True, callback=_condition, help="JSON, as in a rule's `when`.")
@click.option("--max-uses", type=click.IntRange(min=1), required=True, help="How many calls.")
@click.option("--minutes", type=click.IntRange(min=1), required=True, help="How long.")
@click.option("--note", default="", help="What it is for.")
@as_json
def preauthorize(minutes: int, max_uses: int, is_json: bool, **body: Any) -> None:
    """Issue a pre-authorisation."""
    body = {name: list(value) if isinstance(value, tuple) else value for name, value in body.items()}
    told = Api().post("preauthorizations", {**body, "maxUses": max_uses, "expiresInMinutes": minutes})
    show(told, is_json, f"{told['jti']} is good for {told['maxUses']} calls until {told['expiresAt']}.")


@click.group(help="List and revoke tokens.")
def token() -> None:
    """Nothing but the commands."""


@token.command("list", help="List the tokens that you gave, or, if you oversee, all.")
@as_json
def list_(is_json: bool) -> None:
    """List tokens, newest first."""
    table(Api().every("tokens"), COLUMNS, is_json, "There are no tokens of yours.")


@token.command(help="End the token JTI at once, everywhere.")
@click.argument("jti", type=click.UUID)
@click.option("--reason", required=True, help="Why.")
@as_json
def revoke(jti: UUID, reason: str, is_json: bool) -> None:
    """Revoke a token."""
    told = Api().post(f"tokens/{jti}/revoke", {"reason": reason})
    show(told, is_json, f"{told['jti']} is revoked.")
