"""Whom a call asks, what they answered, what they changed, and what is not as usual about any of it."""

from collections.abc import Mapping
from typing import Any

from m1site.cli import layout
from m1site.cli.output import when
from m1site.cli.sheet import Sheet

Call = Mapping[str, Any]


def add(sheet: Sheet, call: Call) -> None:
    """Add who is asked and who has answered, round by round, and every edit."""
    sheet.title("People")
    for one in call["requirements"]:
        if one["round"] == call["round"]:
            sheet.say(f"{one['count']} of {' or '.join(one['groups'])}")
    for one in call["decisions"]:
        old = "" if one["round"] == call["round"] else f" in round {one['round']}, which counts no more"
        said = f": {one['comment']}" if one["comment"] else ""
        sheet.say(f"{one['person']} answered {one['answer']}{old}, {when(one['createdAt'])}{said}", first="  - ")
    if not call["decisions"]:
        sheet.say("Nobody has answered yet.")
    for edit in call["edits"]:
        _edit(sheet, edit)


def flags(call: Call) -> list[str]:
    """Return, a line each, what is not as usual about the call and about the answers given to it."""
    found = [f"You would answer in the place of {call['onBehalfOf']}, who is away."] if call["onBehalfOf"] else []
    if call["signInMinutes"] is not None:
        found.append("The rule asks for a recent sign-in, which a key cannot prove: decide in the browser.")
    if call["around"]["halted"]:
        found.append(f"{call['around']['halted']} Nothing of this runs until the halt is lifted.")
    if before := call["around"]["rejectedBefore"]:
        found.append(f"The same tool with the same arguments was rejected before, {when(before['endedAt'])}.")
    if call["isSuperseded"]:
        found.append(f"Superseded: an approval given before does not count any more. {call['note']}")
    if call["blocked"]["isBlocked"]:
        found.append(f"Rejected in this run; the agent asked for it again {call['blocked']['repeats']} times.")
    return found + _clockwork(call) + [line for one in call["decisions"] if (line := _flags_of(one))]


def _clockwork(call: Call) -> list[str]:
    groups = " or ".join(call["escalationGroups"])
    if call["escalatedAt"]:
        return [f"Escalated to {groups}, {when(call['escalatedAt'])}: nobody had decided."]
    if call["escalateAt"]:
        return [f"Goes to {groups} too, {when(call['escalateAt'])}, if nobody decides."]
    return []


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


def _edit(sheet: Sheet, edit: Mapping[str, Any]) -> None:
    sheet.say(f"Edited by {edit['author']}, {when(edit['createdAt'])}:", "bold")
    if edit["changes"] is None:
        sheet.say("(you may not read it)", first="    ")
    for one in edit["changes"] or ():
        sheet.say(one["name"], first="    ")
        texts = (("was ", one["before"] or "(absent)"), ("is  ", one["after"] or "(absent)"))
        rows = [row for mark, text in texts for row in layout.boxed(text, sheet.width, mark=mark)]
        sheet.add(f"the edit of {one['name']}", rows, "changes")
