"""`manage.py m1 …` is `m1 …`."""

from typing import Any

from django.core.management.base import BaseCommand

from m1site.cli import main


class Command(BaseCommand):
    """The command line of M1, for those who have a manage.py at hand."""

    help = "The command line of M1; `manage.py m1 --help` lists its commands."

    def run_from_argv(self, argv: list[str]) -> None:
        """Run with what stands after `m1`, and end with its exit code."""
        main(argv[2:])

    def handle(self, *args: Any, **options: Any) -> None:
        """Run without arguments, as call_command does."""
        main(list(args))
