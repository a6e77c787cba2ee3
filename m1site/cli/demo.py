"""`m1 demo`: everything on this machine, under one supervisor."""

import click

from m1site.demo import supervisor


@click.command(help="Start everything on this machine, with its own SQLite, people, tools and a goal; Ctrl-C ends it.")
@click.option("--reset", is_flag=True, help="Begin afresh.")
def demo(reset: bool) -> None:
    """Run the demo until Ctrl-C."""
    supervisor.main(reset=reset)
