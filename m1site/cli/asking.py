"""The questions about one call on the screen: the answer to it, and what must be read and typed before a yes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from m1site.cli import call_values, edit, typed
from m1site.cli.client import RefusedError
from m1site.cli.looking import Look
from m1site.cli.output import console, say
from m1site.cli.sheet import Part

GRAVE = frozenset({"high", "critical"})
PRESETS = ("Wrong target", "Out of scope", "Suspicious arguments", "Wrong environment", "Needs a ticket")
KEYS = {
    "a": "(a)pprove", "r": "(r)eject", "x": "(x) reject and stop the run", "e": "(e)dit", "v": "(v)iew", "s": "(s)kip",
    "q": "(q)uit",
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What the person wants: approve, reject, edit, skip or quit; and what they say with it."""

    kind: str
    said: Mapping[str, Any] = field(default_factory=dict)


def ask(look: Look) -> Answer:
    """Ask until there is an answer. Whatever is incomplete, mistyped or taken back leads to the question again."""
    while True:
        key = typed.key(_question(look), list(_keys(look)))
        if key in ("s", "q"):
            return Answer("skip" if key == "s" else "quit")
        if key == "v":
            read(look, look.sheet.parts)
        elif found := _answer(look, key):
            return found


def needs_name(call: Mapping[str, Any]) -> bool:
    """Tell whether an approval takes the tool's name; where the rule asks for a sign-in, it takes that."""
    return call["risk"] in GRAVE and call["signInMinutes"] is None


def read(look: Look, parts: list[Part]) -> None:
    """Show long parts a screen at a time; one counts as read when its end was on the screen."""
    height = max(console().height - 3, 5)
    for part in list(parts):
        for begin in range(0, len(part.rows), height):
            rows = part.rows[begin : begin + height]
            click.echo("\n".join(rows))
            end = begin + len(rows)
            if end < len(part.rows) and typed.line(f"{part.name}: {end:,} of {len(part.rows):,} lines; Enter, or q"):
                return
        part.is_read = True
        say(f"That was all of {part.name}, {len(part.rows):,} lines.", "bold")


def _keys(look: Look) -> list[str]:
    missing = {"e"} if look.call["whyNotEdit"] else set()
    return [key for key in KEYS if key not in missing | ({"v"} if not look.sheet.parts else set())]


def _question(look: Look) -> str:
    return " ".join(KEYS[key] for key in _keys(look))


def _answer(look: Look, key: str) -> Answer | None:
    if key == "a":
        return _yes(look)
    return _edit(look) if key == "e" else _no(key)


def _yes(look: Look) -> Answer | None:
    """Return the yes; None where something had to be read first, cannot be trusted, or was not named."""
    if not call_values.is_as_digested(look.call):
        say("Not approved: the arguments here are not those of the digest.", "yellow")
        return None
    if unread := look.sheet.unread:
        say(f"An approval waits until you have read {', '.join(part.name for part in unread)} to the end.", "yellow")
        read(look, unread)
        return None
    if needs_name(look.call) and not typed.is_named(look.call["tool"], "approve"):
        return None
    return Answer("approve")


def _no(key: str) -> Answer | None:
    say("  ".join(f"{number} {words}" for number, words in enumerate(PRESETS, 1)))
    said = typed.line("Why, as a number or in your words; the agent reads it")
    comment = PRESETS[int(said) - 1] if said in {"1", "2", "3", "4", "5"} else said
    if not comment:
        say("A rejection says why; nothing was recorded.", "yellow")
        return None
    return Answer("reject", {"comment": comment} | ({"stopRun": True} if key == "x" else {}))


def _edit(look: Look) -> Answer | None:
    try:
        arguments = edit.with_changes(look.call, [_change()])
    except RefusedError as exc:
        say(exc.message, "yellow")
        return None
    comment = typed.line("Why (the agent reads it)")
    return Answer("edit", {"arguments": arguments, "comment": comment}) if comment else None


def _change() -> edit.Change:
    while True:
        try:
            return edit.change(typed.line("Which argument (name=JSON)"))
        except click.BadParameter as exc:
            say(exc.message, "yellow")
