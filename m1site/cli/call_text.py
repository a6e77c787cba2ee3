"""A tool call as a terminal shows it: what would run, why one is asked, what people did to it, the agent's words."""

import json
from collections.abc import Mapping
from typing import Any

from m1site.cli.output import console, say, table
from policy.reveal import reveal

Call = Mapping[str, Any]
EDIT_COLUMNS = (("argument", "name"), ("before", "before"), ("after", "after"))


def show_call(call: Call) -> None:
    """Print what will happen, why one is asked, who wants it, and last the agent's own words."""
    console().rule(style="dim")
    say(call["headline"], "bold")
    for name, value in _facts(call):
        say(f"{name:<12} {reveal(str(value), one_line=True)}")
    for line in flags(call):
        say(f"! {reveal(line, one_line=True)}", "yellow")
    say("Arguments, exactly as they will run:", "bold")
    say(arguments_text(call["arguments"]))
    show_edits(call)
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


def show_edits(call: Call) -> None:
    """Print what people changed, before and after side by side; nothing where nobody did."""
    for edit in call["edits"]:
        say(f"Edited by {reveal(edit['author'], one_line=True)} at {edit['createdAt']}:", "bold")
        changes = edit["changes"]
        table(changes or (), EDIT_COLUMNS, False, "  (you may not read it)" if changes is None else "  (nothing)")


def flags(call: Call) -> list[str]:
    """Return, a line each, what is not as usual about the call and about the answers given to it."""
    found = [f"You would answer in the place of {call['onBehalfOf']}, who is away."] if call["onBehalfOf"] else []
    groups = " or ".join(call["escalationGroups"])
    if call["escalatedAt"]:
        found.append(f"Escalated to {groups} at {call['escalatedAt']}: nobody had decided.")
    elif call["escalateAt"]:
        found.append(f"Goes to {groups} too at {call['escalateAt']} if nobody decides.")
    if call["isSuperseded"]:
        found.append(f"Superseded: an approval given before does not count any more. {call['note']}")
    if call["blocked"]["isBlocked"]:
        found.append(f"Rejected in this run; the agent asked for it again {call['blocked']['repeats']} times.")
    return found + [line for one in call["decisions"] if (line := _flags_of(one))]


def _flags_of(decision: Mapping[str, Any]) -> str:
    """Return what is not as usual about an answer; "" for a plain vote in one's own place."""
    said = []
    if decision["isSelfApproval"]:
        said.append("it is their own request (self-approval)")
    if decision["onBehalfOf"]:
        said.append(f"in the place of {decision['onBehalfOf']}")
    if decision["kind"] == "break_glass":
        state = "nobody has reviewed it" if decision["needsReview"] else f"reviewed by {decision['reviewedBy']}"
        said.append(f"by breaking the glass: {decision['comment']} ({state})")
    if not said:
        return ""
    return f"{decision['person']}: {decision['answer']} in round {decision['round']}, {'; '.join(said)}"


def _facts(call: Call) -> list[tuple[str, object]]:
    approvals = [one for one in call["decisions"] if one["round"] == call["round"] and one["answer"] == "approve"]
    asked = [one for one in call["requirements"] if one["round"] == call["round"]]
    needed = ", ".join(f"{one['count']} of {' or '.join(one['groups'])}" for one in asked)
    return [
        ("tool", f"{call['tool']}  ({call['risk']} risk)"), ("environment", call["environment"]),
        ("agent", call["agent"]), ("for", call["requester"]), ("goal", call["goal"]),
        ("digest", call["argumentsDigest"]), ("round", call["round"]),
        ("approvals", f"{len(approvals)} so far; it takes {needed}"),
        ("policy", f"version {call['policyVersion']}"), ("open until", call["expiresAt"]),
    ]  # fmt: skip


def _preview(call: Call) -> str:
    preview = call["preview"]
    if not isinstance(preview, dict):
        return "  no preview"
    parts = [str(preview.get(name, "")) for name in ("summary", "body")]
    return "\n".join(f"  {line}" for part in parts for line in part.splitlines()) or "  no preview"
