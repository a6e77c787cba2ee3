"""`m1 review`: what waits for a person, one call at a time, with the facts of the approval page."""

from collections.abc import Mapping
from typing import Any

import click

from m1site.cli.asking import Answer, ask
from m1site.cli.call_text import show_edits
from m1site.cli.client import Api, RefusedError
from m1site.cli.looking import Look
from m1site.cli.output import say

CHANGED = "stale_decision"
RISKS = ("critical", "high", "medium", "low")


@click.command(help="Look at what waits for you, one call at a time, and decide.")
def review() -> None:
    """Go through the list; what was refused is told, what changed meanwhile is shown anew."""
    api, answered = Api(), list[str]()
    rows = sorted(api.every("tool-calls", waitingForMe="true"), key=_place)
    try:
        for number, row in enumerate(rows, 1):
            say(f"\n{number} of {len(rows)}    {api.url}/approvals/{row['requestId']}/", "dim")
            if not _one(api, row["requestId"], answered):
                break
    finally:
        _tell(api, answered)


def _place(row: Mapping[str, Any]) -> tuple[int, str]:
    """Return where a call stands in the list: the riskiest first, then what expires first."""
    return (RISKS.index(row["risk"]) if row["risk"] in RISKS else 0, row["expiresAt"])


def _one(api: Api, request_id: str, answered: list[str]) -> bool:
    """Show one call until it is answered or skipped; return False to end the list."""
    while not (call := api.get(f"tool-calls/{request_id}"))["whyNot"]:
        look = Look(call)
        answer = ask(look)
        if answer.kind in ("skip", "quit"):
            return answer.kind == "skip"
        if not _is_changed(api, look, answer, answered):
            return True
    say(call["whyNot"], "yellow")  # someone was faster
    return True


def _is_changed(api: Api, look: Look, answer: Answer, answered: list[str]) -> bool:
    """Record the answer to what was shown; return whether the call is another by now, and wants to be shown anew."""
    path = f"tool-calls/{look.call['requestId']}"
    try:
        told = api.post(f"{path}/{answer.kind}", look.body(**answer.said))
    except KeyboardInterrupt:
        say("\nBroken off while M1 was asked: look whether it was recorded.", "yellow")
        raise
    except RefusedError as exc:
        say(f"Nothing was recorded: {exc.message}", "yellow")
        return exc.problem.get("code") == CHANGED
    answered.append(path)
    say(f"{told['status']}.", "green")
    if answer.kind == "edit":
        show_edits(told)
        say("Somebody else decides about it.")
    return False


def _tell(api: Api, answered: list[str]) -> None:
    """Say what became of the calls that were answered."""
    say("")
    for path in answered:
        call: Mapping[str, Any] = api.get(path)
        say(f"{call['status']:<10} {call['headline']}")
    say(f"{len(answered)} answered.")
