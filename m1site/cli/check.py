"""`m1 check`: whether what M1 needs is there, and whether the roles hold no more than they should."""

import click

from m1site.cli import checks
from m1site.cli.checks import CHECKS, Found
from m1site.cli.operator import told
from m1site.cli.output import as_json, say, show, table

COLUMNS = (("process", "process"), ("queue", "queue"), ("may hold", "holds"), ("can", "can"))


@click.group(help="Check database, broker, Redis, roles and notifications.")
def check() -> None:
    """Nothing but the commands."""


@check.command("all", help="Check everything.")
@as_json
@told
def all_(is_json: bool) -> None:
    """Exit 1 where any check fails; each is made, whatever the others say."""
    found = {name: one() for name, one in CHECKS.items()}
    status = "failed" if any(one.facts["status"] == "failed" for one in found.values()) else "ok"
    lines = [f"{name}: {one.facts['status']}\n{_indented(one.words)}" for name, one in found.items()]
    show({"status": status, **{name: one.facts for name, one in found.items()}}, is_json, "\n".join(lines))
    _end(status)


@check.command(help="Check that the database answers and has every migration.")
@as_json
@told
def database(is_json: bool) -> None:
    """Exit 1 where the database is away or behind."""
    _tell(checks.database(), is_json)


@check.command(help="Check that the message broker answers, and see what waits there.")
@as_json
def broker(is_json: bool) -> None:
    """Exit 1 where it is named and does not answer."""
    _tell(checks.broker(), is_json)


@check.command(help="Check that the Redis cache answers, if there is one.")
@as_json
def redis(is_json: bool) -> None:
    """Exit 1 where a cache is set and does not answer."""
    _tell(checks.redis(), is_json)


@check.command(help="Show what each process holds and can do, who could sign approvals, and the keys known here.")
@as_json
@told
def roles(is_json: bool) -> None:
    """Exit 1 where a process could sign that only verifies, or where this one holds what is not its own."""
    found = checks.roles()
    if not is_json:
        table(found.facts["processes"], COLUMNS, is_json, "")
        say("")
    _tell(found, is_json)


@check.command(help="Check that people outside M1 are told what waits for them.")
@as_json
@told
def notifications(is_json: bool) -> None:
    """Exit 1 where a target fails, nobody sends to it, or something was given up in the last day."""
    _tell(checks.notifications(), is_json)


def _tell(found: Found, is_json: bool) -> None:
    show(found.facts, is_json, found.words)
    _end(found.facts["status"])


def _end(status: str) -> None:
    if status == "failed":
        click.get_current_context().exit(1)


def _indented(words: str) -> str:
    return "\n".join(f"  {line}" for line in words.splitlines())
