"""`m1 review`: what waits for a person, one call at a time, with the facts of the approval page."""

from collections.abc import Mapping
from typing import Any

import click

from m1site.cli import edit
from m1site.cli.call_text import show_edits
from m1site.cli.client import Api, RefusedError
from m1site.cli.looking import Look
from m1site.cli.output import say

GRAVE = frozenset({"high", "critical"})
KEYS = {"a": "approve", "r": "reject", "e": "edit", "s": "skip", "q": "quit"}


@click.command(help="Look at what waits for you, one call at a time, and decide.")
def review() -> None:
    """Go through the list; what was refused is told, and the next one comes."""
    api, decided = Api(), 0
    for row in list(api.every("tool-calls", waitingForMe="true")):
        call = api.get(f"tool-calls/{row['requestId']}")
        if call["whyNot"]:  # someone was faster
            continue
        look = Look(call)
        answer = _ask(call)
        if answer == "quit":
            break
        if answer != "skip":
            decided += _answer(api, look, answer)
    say(f"{decided} answered.")


def _ask(call: Mapping[str, Any]) -> str:
    keys = [key for key in KEYS if key != "e" or not call["whyNotEdit"]]
    words = ", ".join(f"({key}){KEYS[key][1:]}" for key in keys)
    return KEYS[str(click.prompt(words, type=click.Choice(keys), show_choices=False))]


def _answer(api: Api, look: Look, answer: str) -> int:
    """Record the answer to what was shown; return 1 if it was recorded."""
    more = _said(look.call, answer)
    if more is None:
        say("That is not its name; nothing was recorded.", "yellow")
        return 0
    try:
        told = api.post(f"tool-calls/{look.call['requestId']}/{answer}", look.body(**more))
    except RefusedError as exc:
        say(exc.message, "yellow")
        return 0
    say(f"{told['status']}.", "green")
    if answer == "edit":
        show_edits(told)
        say("Somebody else decides about it.")
    return 1


def _said(call: Mapping[str, Any], answer: str) -> dict[str, Any] | None:
    """Return what the person says with the answer; None where a dangerous tool was not named."""
    if answer == "edit":
        change = click.prompt("Which argument (name=JSON)", value_proc=edit.change)
        comment = click.prompt("Why (the agent reads it)", type=str)
        return {"arguments": edit.with_changes(call, [change]), "comment": comment}
    if answer == "reject":
        return {"comment": click.prompt("Why (the agent reads it)", type=str)}
    if call["risk"] in GRAVE and click.prompt(f"Type {call['tool']} to approve", type=str) != call["tool"]:
        return None
    return {}
