"""`m1 login`."""

import os

import click

from m1site.cli import config
from m1site.cli.client import Api
from m1site.cli.config import Login
from m1site.cli.output import say


@click.command(help="Keep your API key on this machine, in a file that only you can read.")
@click.option("--url", default=None, help="Where M1 is.  [default: M1_URL]")
def login(url: str | None) -> None:
    """Ask for the key without showing it, try it, keep it."""
    address = (url or os.environ.get("M1_URL") or config.DEFAULT_URL).rstrip("/")
    key = str(click.prompt(f"API key for {address}", hide_input=True, type=str)).strip()
    mine = Login(address, key)
    Api(mine).get("runs", limit="1")
    say(f"The key works; it is kept in {config.save(mine)}.")
