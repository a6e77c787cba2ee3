"""What a command prints: tables for people, one JSON value for scripts; nothing that could move a terminal's cursor."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.times import clock_time, distance
from policy.reveal import reveal

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON, for scripts.")


def console() -> Console:
    """Return the console of this moment's standard output."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def show(value: object, is_json: bool, words: str) -> None:
    """Print the value as JSON, or the words."""
    if is_json:
        click.echo(json.dumps(value))
    else:
        say(words)


def say(words: str, style: str = "") -> None:
    """Print words; characters that cannot be seen are marked, markup is not taken for any."""
    console().print(Text(reveal(words), style=style))


def table(rows: Iterable[dict[str, Any]], columns: Sequence[tuple[str, str]], is_json: bool, empty: str) -> None:
    """Print rows as a table of (title, key) columns, or as a JSON list; `empty` is said when there is none."""
    found = list(rows)
    if is_json:
        click.echo(json.dumps(found))
        return
    if not found:
        say(empty)
        return
    drawn = Table(box=None, pad_edge=False)
    for position, (title, _) in enumerate(columns):  # the first names the row, for the next command: it stays whole
        drawn.add_column(title, no_wrap=position == 0, overflow="fold")
    for row in found:
        drawn.add_row(*(Text(reveal(_text(row.get(key)), one_line=True)) for _, key in columns))
    console().print(drawn)


def when(text: str | None) -> str:
    """Return a time of REST as people read it: how far away, and when exactly."""
    if text is None:
        return "–"
    value, now = datetime.fromisoformat(text).astimezone(UTC), datetime.now(UTC)
    return f"{distance(value - now)} ({clock_time(value, now)})"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
