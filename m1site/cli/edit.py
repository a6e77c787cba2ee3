"""`m1 edit`: other arguments for a call that waits; policy judges them, and somebody else decides."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import click

from audit import strict
from audit.errors import M1Error
from m1site.cli import files
from m1site.cli.call_text import show_edits
from m1site.cli.client import Api, RefusedError
from m1site.cli.looking import seen
from m1site.cli.options import digest_option, request_argument
from m1site.cli.output import as_json, show

Change = tuple[str, Any]


def change(text: str) -> Change:
    """Return what `name=JSON` says. Raises BadParameter."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{text} is not name=JSON", param_hint="--set")
    return name, json_value(value, "--set")


def json_value(text: str, hint: str) -> Any:
    """Return the value of a JSON text, read as strictly as M1 reads it. Raises BadParameter."""
    try:
        return strict.parse(text.encode())
    except (M1Error, UnicodeEncodeError) as exc:
        example = '; a text stands in quotes: name="text"' if hint == "--set" else ""
        raise click.BadParameter(f"{exc}{example}", param_hint=hint) from exc


def with_changes(call: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """Return the arguments of a call with these changed. Raises RefusedError where they cannot be read."""
    if not isinstance(call["arguments"], dict):
        raise RefusedError("You may not read the arguments of this call, so there is nothing to change them from.")
    return {**call["arguments"], **dict(changes)}


def _changes(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[Change]:
    return [change(value) for value in values]


@click.command(help="Change the arguments of the tool call REQUEST before anybody decides. Who edits does not decide.")
@request_argument
@click.option("--set", "changes", metavar="NAME=JSON", multiple=True, callback=_changes, help="One argument.")
@click.option("--arguments", "file", metavar="FILE", help="All arguments: a JSON object; - for standard input.")
@click.option("--comment", required=True, help="Why; the agent reads it.")
@digest_option
@as_json
def edit(
    request_id: UUID, changes: list[Change], file: str | None, comment: str, digest: str | None, is_json: bool
) -> None:
    """Make the next revision, and show what it changes."""
    if bool(changes) == bool(file):
        raise click.UsageError("Say what to change: --set NAME=JSON, or --arguments FILE.")
    api = Api()
    call = api.get(f"tool-calls/{request_id}")
    arguments = json_value(files.read(file), "--arguments") if file else with_changes(call, changes)
    body = seen(call, digest, arguments=arguments, comment=comment)
    told = api.post(f"tool-calls/{request_id}/edit", body)
    show(told, is_json, f"{told['status']}, round {told['round']}: {told['headline']}")
    if not is_json:
        show_edits(told)
