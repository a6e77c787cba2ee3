"""`m1 policy diff` and `replay`: what another policy says, and what it would have said."""

import re
from difflib import unified_diff
from typing import Any

import click

from m1site.cli.client import Api
from m1site.cli.output import as_json, say, show, table
from m1site.cli.policy_draft import DRAFT, document

STYLES = {"added": "green", "removed": "red", "changed": "yellow", "+": "green", "-": "red"}
FLIPS = (
    ("request", "requestId"), ("when", "at"), ("what", "headline"), ("was", "was"), ("would be", "wouldBe"),
    ("why", "why"),
)  # fmt: skip
DAYS = re.compile(r"([1-9][0-9]{0,3})([dw])")


def _days(ctx: click.Context, param: click.Parameter, value: str) -> int:
    found = DAYS.fullmatch(value)
    if found is None:
        raise click.BadParameter("must be a number of days or weeks, such as 30d or 4w")
    return int(found[1]) * (7 if found[2] == "w" else 1)


@click.command(help="Show what differs between two policies, each a version's number or `draft`.")
@click.argument("before", metavar="[FROM]", required=False)
@click.argument("after", metavar="[TO]", default=DRAFT)
@as_json
def diff(before: str | None, after: str, is_json: bool) -> None:
    """Print every difference as sentences and as lines of YAML; from the policy in force to the draft."""
    told = Api().get("policy/diff", **({"from": before} if before else {}), to=after)
    found = told["differences"]
    words = f"pieces that differ: {len(found)}" if found else "nothing differs"
    show(told, is_json, f"From {told['from']} to {told['to']}, {words}.")
    if not is_json:
        for one in found:
            _show(one)


@click.command(
    help="Judge the calls of the last days by another policy, FILE or the draft, and list whose outcome flips."
)
@click.argument("source", metavar="[DRAFT|FILE]", default=DRAFT)
@click.option("--since", metavar="30d|4w", callback=_days, default="30d", show_default=True, help="How far back.")
@as_json
def replay(source: str, since: int, is_json: bool) -> None:
    """Print who would have been asked, or denied, otherwise."""
    told = Api().ask("policy/replay", {"document": document(source), "sinceDays": since})
    show(told, is_json, f"Of {told['judged']} calls in {since} days {told['flipped']} would flip. {told['note']}")
    if is_json:
        return
    if told["hidden"]:
        say(f"You may not see {told['hidden']} of those.")
    for code, count in told["notJudged"].items():
        say(f"Not judged, since no rule saw them then ({code}): {count}")
    if told["flips"]:
        table(told["flips"], FLIPS, is_json, "")


def _show(one: dict[str, Any]) -> None:
    say(f"\n{one['kind']} {one['what']} {one['name']}".rstrip(), STYLES[one["kind"]])
    for word, sentence in (("was", one["sentenceBefore"]), ("is", one["sentenceAfter"])):
        if sentence:
            say(f"  {word:<3}  {sentence}")
    lines = unified_diff(one["before"].splitlines(), one["after"].splitlines(), lineterm="")
    for line in list(lines)[2:]:  # the two say which file is which
        say(f"  {line}", "dim" if line.startswith("@@") else STYLES.get(line[:1], ""))
