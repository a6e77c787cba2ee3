"""`m1 policy export`, `test`, `apply`, `publish`: from the policy in force to the next one."""

import sys
from typing import Any

import click

from m1site.cli import files
from m1site.cli.client import Api, RefusedError, listed
from m1site.cli.output import as_json, say, show

DRAFT = "draft"
STYLES = {"error": "red", "failed": "red", "warning": "yellow"}
OVERRIDE = "Mend them, or override them: m1 policy publish --override REASON"
revision_option = click.option(
    "--revision", type=click.IntRange(min=0), help="The draft's revision that you saw; refused if it has moved on."
)


@click.command(help="Print a policy as YAML: the one in force, or another.")
@click.option("--version", type=click.IntRange(min=1), help="The version of this number.")
@click.option("--draft", "is_draft", is_flag=True, help="The draft of the next one.")
@click.option("-o", "--output", help="A file to write it to.")
@as_json
def export(version: int | None, is_draft: bool, output: str | None, is_json: bool) -> None:
    """Print the document word for word, or with --json all that there is to say of it."""
    if version and is_draft:
        raise click.UsageError("--version and --draft are two policies; name one.")
    path = "policy/draft" if is_draft else f"policy/versions/{version}" if version else "policy/active"
    told = Api().get(path)
    text = str(told["document"])
    if output:
        files.write(output, text)
        show(told, is_json, f"{output} is written.")
    elif is_json or sys.stdout.isatty():
        show(told, is_json, text)
    else:
        click.echo(text.encode(), nl=False)


@click.command(help="Say what would stop a policy from being published: FILE, - for standard input, or the draft.")
@click.argument("source", metavar="[FILE|draft]", default=DRAFT)
@as_json
def test(source: str, is_json: bool) -> None:
    """Print what lint and its test cases say of it; exit code 1 if that is anything."""
    told = Api().ask("policy/test", {"document": document(source)})
    show(told, is_json, "Nothing stops it." if told["isClean"] else "This stops it:")
    if not is_json:
        _list(told)
    if not told["isClean"]:
        click.get_current_context().exit(1)


@click.command(help="Make the draft say what FILE says (YAML; - for standard input).")
@click.argument("file")
@revision_option
@as_json
def apply(file: str, revision: int | None, is_json: bool) -> None:
    """Apply the file, and say what would stop the draft."""
    api = Api()
    draft = api.put("policy/draft", {"document": files.read(file), "revision": revision})
    show(draft, is_json, f"The draft says what {file} says; it is at revision {draft['revision']}.")
    if not is_json:
        _list(api.ask("policy/test", {}))


@click.command(help="Put the draft in force as the next version.")
@click.option("--note", default="", help="What changes, and why.")
@click.option("--override", metavar="REASON", default="", help="Why the warnings of lint may stand; it is recorded.")
@revision_option
@as_json
def publish(note: str, override: str, revision: int | None, is_json: bool) -> None:
    """Publish the draft."""
    body = {"note": note, "override": override, "revision": revision}
    try:
        told = Api().post("policy/draft/publish", body)
    except RefusedError as exc:
        raise _with_way_out(exc) from exc
    show(told, is_json, f"Policy {told['number']} is in force, {told['digest']}.")


def document(source: str) -> str | None:
    """Return the text of a file, or None for the draft."""
    return None if source == DRAFT else files.read(source)


def _list(told: dict[str, Any]) -> None:
    for line in listed(told):
        say(f"  {line}", STYLES.get(line.partition(":")[0], ""))


def _with_way_out(exc: RefusedError) -> RefusedError:
    """Return the refusal; if a reason can lift it, saying so."""
    findings = exc.problem.get("findings", [])
    if not findings or exc.problem.get("failures") or any(one["isError"] for one in findings):
        return exc
    return RefusedError(f"{exc.message}\n{OVERRIDE}", exc.problem)
