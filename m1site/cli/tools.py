"""`m1 tools`: the allowlist, by the operator."""

import click
from django.conf import settings

from m1site.cli.operator import ACTOR, told
from m1site.cli.output import as_json, table
from policy import allowlist
from policy.models import ToolVersion

COLUMNS = (("tool", "tool"), ("state", "state"), ("risk", "risk"), ("digest", "digest"), ("since", "createdAt"))


@click.group(help="List tools, publish and enable their versions.")
def tools() -> None:
    """Nothing but the commands."""


@tools.command("list", help="List every version of every tool.")
@as_json
@told
def list_(is_json: bool) -> None:
    """List versions, newest first."""
    versions = ToolVersion.objects.select_related("tool").order_by("tool__name", "-created_at")
    table([_row(version) for version in versions], COLUMNS, is_json, "There are no tools; call `m1 tools sync`.")


@tools.command(help="Publish what the modules of M1_TOOLS declare; new versions arrive disabled.")
@as_json
@told
def sync(is_json: bool) -> None:
    """Publish what this process's code declares."""
    new = allowlist.sync(settings.M1_TOOLS, actor=ACTOR)
    table([_row(version) for version in new], COLUMNS, is_json, "Nothing is new.")


@tools.command(help="Let calls of the newest version of each NAME be proposed.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@as_json
@told
def enable(names: tuple[str, ...], is_json: bool) -> None:
    """Enable the newest versions."""
    found = [allowlist.newest(name) for name in names]
    table([_row(allowlist.enable(version.pk, actor=ACTOR)) for version in found], COLUMNS, is_json, "")


def _row(version: ToolVersion) -> dict[str, str]:
    facts = {"tool": version.tool.name, "state": str(version.state), "risk": str(version.declared.get("risk", ""))}
    return {**facts, "digest": version.digest, "createdAt": version.created_at.isoformat()}
