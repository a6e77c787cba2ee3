"""`m1 tools`: the allowlist, by the operator."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from django.conf import settings

from agents import tool_versions
from m1site.cli.client import BadInputError
from m1site.cli.operator import ACTOR, told
from m1site.cli.output import as_json, say, show, table
from policy import allowlist
from policy.models import ToolVersion
from policy.tool_changes import changes

COLUMNS = (("tool", "tool"), ("state", "state"), ("risk", "risk"), ("digest", "digest"), ("since", "createdAt"))
NEWS = (("tool", "tool"), ("news", "news"), *COLUMNS[1:])
CHANGES = (("field", "field"), ("before", "before"), ("after", "after"))
GONE = "gone: enabled, but this code does not declare it. If no executor does, disable it: that denies its calls."
ENABLED = ToolVersion.State.ENABLED
version_option = click.option("--version", "digest", default="", help="The version whose digest begins so.")


@click.group(help="List tools, publish, compare, enable and disable their versions.")
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
    """Publish what this process's code declares, and say what is new, changed or not in the code any more."""
    rows = []
    for version in allowlist.sync(settings.M1_TOOLS, actor=ACTOR):
        news = "changed" if allowlist.compared_with(version) else "new"
        rows.append({**_row(version), "news": news})
    rows += [{**_row(version), "news": "gone"} for version in allowlist.gone(settings.M1_TOOLS)]
    table(rows, NEWS, is_json, "Nothing is new.")
    if any(row["news"] == "gone" for row in rows) and not is_json:
        say(GONE)


@tools.command(help="Show what differs between the newest version of NAME and the one that is enabled.")
@click.argument("name")
@version_option
@as_json
@told
def diff(name: str, digest: str, is_json: bool) -> None:
    """Print the differences, field by field."""
    version = allowlist.find(name, digest)
    _show_changes(version, allowlist.compared_with(version), is_json)


@tools.command(help="Let calls of the newest version of each NAME be proposed.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@version_option
@click.option("--yes", is_flag=True, help="Do not ask, although another version is enabled.")
@as_json
@told
def enable(names: tuple[str, ...], digest: str, yes: bool, is_json: bool) -> None:
    """Enable versions; where another one is enabled, after a look at the difference."""
    found = _found(names, digest)
    for version in found:
        _ask(version, is_sure=yes, is_json=is_json)
    rows = [_row(tool_versions.enable(version.pk, actor=ACTOR)) for version in found]
    table(rows, COLUMNS, is_json, "")


@tools.command(help="Disable every enabled version of each NAME, or one; calls bound to it are denied at once.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@version_option
@as_json
@told
def disable(names: tuple[str, ...], digest: str, is_json: bool) -> None:
    """Disable versions, and say how many calls were denied with them."""
    found = _found(names, digest)
    chosen = found if digest else [one for version in found for one in allowlist.enabled(version.tool.name)]
    rows = []
    for version in chosen:
        denied = tool_versions.disable(version.pk, actor=ACTOR)
        rows.append({**_row(version), "state": str(ToolVersion.State.DISABLED), "deniedCalls": denied})
    table(rows, (*COLUMNS, ("calls denied", "deniedCalls")), is_json, "Nothing was enabled.")


def is_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty()


def _found(names: Sequence[str], digest: str) -> list[ToolVersion]:
    if digest and len(names) > 1:
        raise click.UsageError("--version goes with one NAME.")
    return [allowlist.find(name, digest) for name in names]


def _ask(version: ToolVersion, *, is_sure: bool, is_json: bool) -> None:
    """Show what is different where another version is enabled, and have somebody say yes to it."""
    other = allowlist.compared_with(version)
    if version.state == ENABLED or other is None or other.state != ENABLED:
        return
    if not is_json:
        _show_changes(version, other, is_json)
    if is_sure:
        return
    name = version.tool.name
    if is_json or not is_terminal():
        raise BadInputError(f"Another version of {name} is enabled: look at `m1 tools diff {name}`, then say --yes.")
    click.confirm(f"Enable this version of {name} beside it?", abort=True)


def _show_changes(version: ToolVersion, other: ToolVersion | None, is_json: bool) -> None:
    found = [asdict(change) for change in changes(other, version)]
    if is_json:
        pair = {"tool": version.tool.name, "before": other.digest if other else None, "after": version.digest}
        show({**pair, "changes": found}, is_json, "")
        return
    before = f"{other.digest[:12]} ({other.state})" if other else "nothing"
    say(f"{version.tool.name}: {before} → {version.digest[:12]} ({version.state})")
    table(found, CHANGES, is_json, "There is no difference.")


def _row(version: ToolVersion) -> dict[str, Any]:
    facts = {"tool": version.tool.name, "state": str(version.state), "risk": str(version.declared.get("risk", ""))}
    return {**facts, "digest": version.digest, "createdAt": version.created_at.isoformat()}
