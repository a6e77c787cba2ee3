"""What a person types: never what stood in the line before the question did, nor in its first half second."""

import sys
import termios
import time

import click

from m1site.cli.output import say

GUARD_SECONDS = 0.5


def is_terminal() -> bool:
    """Tell whether a person sits there."""
    return sys.stdin.isatty()


def key(question: str, keys: list[str]) -> str:
    """Ask for one of these keys and Enter until one of them comes, in its own time."""
    while True:
        _forget()
        began = time.monotonic()
        said: str = click.prompt(question, type=click.Choice(keys), show_choices=False, prompt_suffix=": ")
        if not is_terminal() or time.monotonic() - began >= GUARD_SECONDS:
            return said
        say("That came within half a second, before anybody could read; it counts for nothing.", "yellow")


def line(question: str) -> str:
    """Ask for a line; it may be empty."""
    return str(click.prompt(question, type=str, default="", show_default=False)).strip()


def is_named(tool: str, what: str) -> bool:
    """Have the name of a dangerous tool typed; tell whether it was."""
    if line(f"Type {tool} to {what}") == tool:
        return True
    say("That is not its name; nothing was recorded.", "yellow")
    return False


def _forget() -> None:
    """Throw away what was typed ahead: it cannot be meant for what is on the screen now."""
    if is_terminal():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
