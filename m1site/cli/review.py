"""`m1 review`: what waits for a person, one call at a time, with the facts of the approval page."""

import json
from typing import Any

import click

from m1site.cli.client import Api, RefusedError
from m1site.cli.output import console, say
from policy.reveal import reveal

GRAVE = frozenset({"high", "critical"})
KEYS = {"a": "approve", "r": "reject", "s": "skip", "q": "quit"}


@click.command(help="Look at what waits for you, one call at a time, and decide.")
def review() -> None:
    """Go through the list; what was refused is told, and the next one comes."""
    api, decided = Api(), 0
    for row in list(api.every("tool-calls", waitingForMe="true")):
        call = api.get(f"tool-calls/{row['requestId']}")
        if call["whyNot"]:  # someone was faster
            continue
        show_call(call)
        answer = _ask()
        if answer == "quit":
            break
        if answer != "skip":
            decided += _decide(api, call, answer)
    say(f"{decided} decided.")


def show_call(call: dict[str, Any]) -> None:
    """Print what will happen, why one is asked, who wants it, and last the agent's own words."""
    console().rule(style="dim")
    say(call["headline"], "bold")
    for name, value in _facts(call):
        say(f"{name:<12} {reveal(str(value), one_line=True)}")
    say("Arguments, exactly as they will run:", "bold")
    say(arguments_text(call["arguments"]))
    say("Effect:", "bold")
    say(_preview(call))
    say("Why you are asked:", "bold")
    for reason in call["reasons"]:
        say(f"  {reveal(reason['sentence'], one_line=True)}")
    say("Agent's text, untrusted:", "bold")
    say("\n".join(f"  | {line}" for line in (call["reason"] or "(none)").splitlines()), "dim")


def arguments_text(arguments: Any) -> str:
    """Return every argument on lines of its own, nothing cut, what cannot be seen marked also inside JSON texts."""
    if not isinstance(arguments, dict):
        return "  (you may not read them, or they are no JSON object)"
    lines = []
    for name, value in arguments.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        shown = reveal(text).splitlines() or [""]
        lines += [f"  {reveal(name, one_line=True)}:", *(f"    {line}" for line in shown)]
    return "\n".join(lines) or "  (none)"


def _facts(call: dict[str, Any]) -> list[tuple[str, object]]:
    approvals = [one for one in call["decisions"] if one["round"] == call["round"] and one["answer"] == "approve"]
    asked = [one for one in call["requirements"] if one["round"] == call["round"]]
    needed = ", ".join(f"{one['count']} of {' or '.join(one['groups'])}" for one in asked)
    return [
        ("tool", f"{call['tool']}  ({call['risk']} risk)"), ("environment", call["environment"]),
        ("agent", call["agent"]), ("for", call["requester"]), ("goal", call["goal"]),
        ("digest", call["argumentsDigest"]), ("approvals", f"{len(approvals)} so far; it takes {needed}"),
        ("policy", f"version {call['policyVersion']}"), ("open until", call["expiresAt"]),
    ]  # fmt: skip


def _preview(call: dict[str, Any]) -> str:
    preview = call["preview"]
    if not isinstance(preview, dict):
        return "  no preview"
    parts = [str(preview.get(name, "")) for name in ("summary", "body")]
    return "\n".join(f"  {line}" for part in parts for line in part.splitlines()) or "  no preview"


def _ask() -> str:
    choice = click.prompt("(a)pprove, (r)eject, (s)kip, (q)uit", type=click.Choice(list(KEYS)), show_choices=False)
    return KEYS[str(choice)]


def _decide(api: Api, call: dict[str, Any], answer: str) -> int:
    """Record the answer to what was shown; return 1 if it was recorded."""
    body: dict[str, Any] = {"argumentsDigest": call["argumentsDigest"], "round": call["round"]}
    if answer == "reject":
        body["comment"] = click.prompt("Why (the agent reads it)", type=str)
    elif call["risk"] in GRAVE and click.prompt(f"Type {call['tool']} to approve", type=str) != call["tool"]:
        say("That is not its name; nothing was recorded.", "yellow")
        return 0
    try:
        told = api.post(f"tool-calls/{call['requestId']}/{answer}", body)
    except RefusedError as exc:
        say(exc.message, "yellow")
        return 0
    say(f"{told['status']}.", "green")
    return 1
