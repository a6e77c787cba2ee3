"""`m1 preauthorize` and `m1 token`: a yes ahead of time, and the ledger of tokens."""

import json
from typing import Any
from uuid import UUID

import click

from m1site.cli.client import Api
from m1site.cli.lazy import Command, LazyGroup
from m1site.cli.output import as_json, say, show, table

KINDS, STATES = ("execution", "preauthorization"), ("active", "used", "expired", "revoked")
COLUMNS = (
    ("token", "jti"), ("kind", "kind"), ("state", "state"), ("by", "person"), ("uses", "uses"), ("of", "maxUses"),
    ("until", "expiresAt"), ("revoked by", "revokedBy"), ("why", "revocationReason"), ("note", "note"),
)  # fmt: skip
FACTS = (
    ("kind", "kind"), ("by", "person"), ("key", "kid"), ("issued", "issuedAt"), ("until", "expiresAt"),
    ("uses", "uses"), ("of", "maxUses"), ("used", "usedAt"), ("request", "requestId"), ("round", "round"),
    ("revoked", "revokedAt"), ("revoked by", "revokedBy"), ("because", "revocationReason"), ("note", "note"),
)  # fmt: skip
COMMANDS = {
    "list": Command("m1site.cli.tokens:list_", "List the tokens that you gave, or, if you oversee, all."),
    "verify": Command("m1site.cli.tokens:verify", "Say whether a token counts now, and why not."),
    "revoke": Command("m1site.cli.tokens:revoke", "End a token at once, everywhere."),
    "rotate": Command("m1site.cli.token_rotate:rotate", "Change the key that signs (operator).", needs_django=True),
}


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


@click.group(cls=LazyGroup, commands_by_name=COMMANDS, help="List, verify and revoke tokens; change their key.")
def token() -> None:
    """Nothing but the commands."""


@click.command("list", help="List the tokens that you gave, or, if you oversee, all.")
@click.option("--kind", type=click.Choice(KINDS), default=None, help="Of this kind only.")
@click.option("--state", type=click.Choice(STATES), default=None, help="In this state only.")
@as_json
def list_(kind: str | None, state: str | None, is_json: bool) -> None:
    """List tokens, newest first."""
    asked = {name: value for name, value in (("kind", kind), ("state", state)) if value}
    table(Api().every("tokens", **asked), COLUMNS, is_json, "There are no such tokens of yours.")


@click.command(help="Say whether the token JTI counts now, and why not: signature, key, time, uses, revocation.")
@click.argument("jti", type=click.UUID)
@as_json
def verify(jti: UUID, is_json: bool) -> None:
    """Print what the ledger says of a token; exit code 1 for one that does not count."""
    told = Api().get(f"tokens/{jti}")
    show(told, is_json, f"{told['jti']} {'counts' if told['isValid'] else 'does not count: ' + told['why']}.")
    for title, name in () if is_json else FACTS:
        if told[name] not in (None, ""):
            say(f"  {title:<11} {told[name]}")
    for line in () if is_json else told["scopeInWords"]:
        say(f"  {line}")
    if not told["isValid"]:
        click.get_current_context().exit(1)


@click.command(help="End the token JTI at once, everywhere.")
@click.argument("jti", type=click.UUID)
@click.option("--reason", required=True, help="Why.")
@as_json
def revoke(jti: UUID, reason: str, is_json: bool) -> None:
    """Revoke a token."""
    told = Api().post(f"tokens/{jti}/revoke", {"reason": reason})
    show(told, is_json, f"{told['jti']} is revoked by {told['revokedBy']}: {told['revocationReason']}")
