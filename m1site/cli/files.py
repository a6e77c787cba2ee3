"""Files that people name on the command line."""

import sys
from pathlib import Path

import click

STANDARD_INPUT = "-"


def read(name: str) -> str:
    """Return what a file, or with - standard input, says. Raises BadParameter where it cannot be read."""
    try:
        data = sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
        return data.decode("utf-8")
    except (OSError, ValueError) as exc:
        raise click.BadParameter(f"{name} cannot be read: {exc}", param_hint="FILE") from exc


def write(name: str, text: str) -> None:
    """Write a file as it is. Raises BadParameter where that cannot be."""
    try:
        Path(name).write_bytes(text.encode())
    except (OSError, ValueError) as exc:
        raise click.BadParameter(f"{name} cannot be written: {exc}", param_hint="FILE") from exc
