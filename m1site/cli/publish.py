"""`m1 policy publish`: a policy file into force, by the operator, in the name of its author and its publisher."""

from pathlib import Path

import click

from m1site.accounts.models import User
from m1site.cli.operator import told
from m1site.cli.output import as_json, show
from policy import versions


@click.command(help="Publish the policy FILE (YAML); it is in force at once.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "publisher", required=True, help="Who publishes it: a username.")
@click.option("--author", help="Who wrote it, if that is someone else.")
@click.option("--note", default="", help="What changes.")
@as_json
@told
def publish(file: Path, publisher: str, author: str | None, note: str, is_json: bool) -> None:
    """Publish a file as the next version."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise click.BadParameter(f"{file} cannot be read: {exc}", param_hint="FILE") from exc
    people = {"author": _person(author or publisher), "publisher": _person(publisher)}
    version = versions.publish(text, note=note, **people)
    facts = {"number": version.number, "digest": version.digest}
    show(facts, is_json, f"Policy {version.number} is in force, {version.digest}.")


def _person(username: str) -> User:
    found = User.objects.filter(username=username, kind=User.Kind.PERSON, is_active=True).first()
    if found is None:
        raise click.BadParameter(f"There is no active person named {username}.")
    return found
