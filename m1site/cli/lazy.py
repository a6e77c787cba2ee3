"""Commands that are imported when they are called: a person's command does not wait for Django."""

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click
import django


@dataclass(frozen=True)
class Command:
    """Where a command is, module:attribute, and its one line of help."""

    target: str
    help: str
    needs_django: bool = False

    def load(self) -> click.Command:
        """Import it."""
        if self.needs_django:
            os.environ.setdefault("DJANGO_SETTINGS_MODULE", "m1site.settings")
            django.setup()
        module, _, attribute = self.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


class LazyGroup(click.Group):
    """A group that knows its commands by name and help, and imports the one that is called."""

    def __init__(self, *args: Any, commands_by_name: Mapping[str, Command], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands_by_name = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(self.commands_by_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None for a name that is none."""
        command = self.commands_by_name.get(cmd_name)
        return command.load() if command else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in self.commands_by_name.items()])
