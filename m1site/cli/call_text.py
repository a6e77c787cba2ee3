"""A tool call as a terminal shows it: the facts of the approval page, in its order.

What exactly will happen, why one is asked, who wants it, what people did to it; only M1 writes at the left edge.
"""

from collections.abc import Mapping
from typing import Any

from agents.views import bodies
from m1site.cli import call_people, call_values, layout
from m1site.cli.oddities import oddities
from m1site.cli.output import console, say, table, when
from m1site.cli.sheet import Sheet

Call = Mapping[str, Any]
EDIT_COLUMNS = (("argument", "name"), ("before", "before"), ("after", "after"))
NO_PREVIEW = {"waiting": "The preview is being made.", "failed": "No preview: making it failed."}
UNTRUSTED = "agent's text, untrusted"


def show_call(call: Call) -> Sheet:
    """Print what will happen, why one is asked, who wants it and who has answered; long parts folded."""
    console().rule(style="dim")
    sheet = Sheet(min(console().width, 120))
    _head(sheet, call)
    _what(sheet, call)
    _effect(sheet, call)
    _why(sheet, call)
    _context(sheet, call)
    call_people.add(sheet, call)
    sheet.print(console().height)
    return sheet


def show_edits(call: Call) -> None:
    """Print what people changed, before and after side by side; nothing where nobody did."""
    for edit in call["edits"]:
        say(f"Edited by {edit['author']} at {edit['createdAt']}:", "bold")
        changes = edit["changes"]
        table(changes or (), EDIT_COLUMNS, False, "  (you may not read it)" if changes is None else "  (nothing)")


def badges(call: Call) -> str:
    """Return risk and promises in words: HIGH RISK · IRREVERSIBLE · EXTERNAL."""
    found, promises = [f"{call['risk']} risk"], call["promises"] or {}
    if promises.get("isReadOnly"):
        found.append("read only")
    elif promises and not promises["reversibleWith"]:
        found.append("irreversible")
    return " · ".join(found + ["external"] * bool(promises.get("isExternal"))).upper()


def _head(sheet: Sheet, call: Call) -> None:
    sheet.say(call["headline"], "bold", first="")
    sheet.say(badges(call), "bold red" if call["risk"] in ("high", "critical") else "bold")
    given = [one for one in call["decisions"] if one["round"] == call["round"] and one["answer"] == "approve"]
    needed = sum(one["count"] for one in call["requirements"] if one["round"] == call["round"])
    sheet.say(f"{len(given)} of {needed} approvals · expires {when(call['expiresAt'])}")
    for line in [*call_people.flags(call), *(f"The headline: {one}" for one in oddities(call["headline"]))]:
        sheet.warn(line)


def _what(sheet: Sheet, call: Call) -> None:
    sheet.title("What will run")
    state = (call["promises"] or {}).get("state", "not a tool that M1 knows")
    sheet.fact("tool", f"{call['tool']}  version {call['toolDigest'][:12]}, pinned, {state}")
    if state != "enabled":
        sheet.warn(f"The tool has changed meanwhile: this version of it is {state}.")
    call_values.add(sheet, call)


def _effect(sheet: Sheet, call: Call) -> None:
    sheet.title("What it will do")
    if isinstance(call["preview"], dict):
        _preview(sheet, call["preview"])
    else:
        sheet.say(NO_PREVIEW.get(call["previewState"], "No preview."))
    if promises := call["promises"]:
        undo = f"It can be undone with {promises['reversibleWith']}."
        undo = undo if promises["reversibleWith"] else "No tool undoes it."
        far = " It reaches beyond this organisation's own machines." if promises["isExternal"] else ""
        sheet.say(("It changes nothing." if promises["isReadOnly"] else undo) + far)


def _preview(sheet: Sheet, preview: Mapping[str, Any]) -> None:
    summary, body = (str(preview.get(name, "")) for name in ("summary", "body"))
    sheet.say(summary)
    for line in oddities(body):
        sheet.warn(f"The preview: {line}")
    if body:
        sheet.add("the preview", layout.boxed(body, sheet.width), "preview", is_long=bodies.is_long(body))


def _why(sheet: Sheet, call: Call) -> None:
    sheet.title("Why you are asked")
    for reason in call["reasons"]:
        sheet.say(reason["sentence"], first="  - ")
    sheet.fact("policy", f"version {call['policyVersion']}")
    sheet.foreign(f"The reason it gives, {UNTRUSTED}", call["reason"] or "(none)", "reason")


def _context(sheet: Sheet, call: Call) -> None:
    sheet.title("Context")
    context = call["around"]
    sheet.fact("for", _named(context["requesterName"], call["requester"]))
    planner = "" if context["planner"] == "claude" else f", {context['planner']} planner"
    sheet.fact("agent", f"{call['agent']} in {call['environment']}{planner}, turn {context['turn']}")
    sheet.fact("cost so far", f"${float(context['costUsd']):,.2f} of ${float(context['budgetUsd']):,.2f}")
    sheet.foreign("The goal, in the requester's words", call["goal"], "goal")
    if context["turnText"]:
        sheet.foreign(f"What it said in this turn, {UNTRUSTED}", context["turnText"], "turn")
    _others(sheet, "Earlier calls of this run, the latest first:", context["earlier"])
    _others(sheet, f"The last calls of {call['tool']} in other runs, the same target first:", context["similar"])


def _others(sheet: Sheet, title: str, calls: list[Call]) -> None:
    if calls:
        sheet.say(title)
    for one in calls:
        sheet.say(one["headline"], first=f"    {one['status']:<10} ")
        for said in one.get("answers", ()):
            why = f": {said['comment']}" if said["comment"] else ""
            sheet.say(f"{said['person']}: {said['answer']}{why}", first=" " * 15)


def _named(name: str, username: str) -> str:
    return username if name == username else f"{name} ({username})"
