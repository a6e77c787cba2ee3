"""`m1 notify`: the worker that tells people outside M1, and a message to try whether it would."""

import os
import sys
from typing import NoReturn

import click
from django.conf import settings

from agents.actors import system
from agents.notifications import targets
from agents.notifications.sending import send
from agents.notifications.text import Message
from agents.notifications.urls import Address
from m1site.cli.client import BadInputError
from m1site.cli.operator import told
from m1site.cli.output import as_json, show, table

COLUMNS = (("target", "target"), ("told of", "group"), ("result", "result"))
WORKER = (
    "celery --app m1site.celery worker --pool prefork --include agents.notifications.tasks --queues notifications "
    "--hostname notifications@%h --without-gossip --without-mingle --without-heartbeat"
)
TRIAL = Message(
    "M1: a trial",
    "Somebody who operates M1 tries whether its notifications arrive. Nothing waits for you because of it.",
)


@click.group(help="Tell people outside M1 what waits for them: e-mail, chat, webhooks.")
def notify() -> None:
    """Nothing but the commands."""


@notify.command(help="Send a trial message to every target of M1_NOTIFY_URLS.")
@as_json
def test(is_json: bool) -> None:
    """Exit 1 where one did not take it."""
    rows = []
    for address in _addresses():
        error = send(address, Message(TRIAL.title, f"{TRIAL.body}\n\nM1 is here: {settings.M1_URL}/"))
        rows.append({"target": address.label, "group": address.group or "everything", "result": error or "sent"})
    table(rows, COLUMNS, is_json, "")
    if any(row["result"] != "sent" for row in rows):
        click.get_current_context().exit(1)


@notify.command(help="Be the worker that sends; the only process that needs M1_NOTIFY_URLS.")
@told
def work() -> NoReturn:
    """Make the targets what the setting lists, then become a Celery worker: a process for each target, and one more."""
    addresses = _addresses()
    targets.sync(addresses, actor=system())
    processes = ["--concurrency", str(len(addresses) + 1)]  # a target that hangs holds one, and never a second
    os.execv(sys.executable, [sys.executable, "-m", *WORKER.split(), *processes])  # noqa: S606 - fixed arguments


@notify.command(help="Tell nobody any more; the worker, when it starts, makes the targets anew.")
@as_json
@told
def off(is_json: bool) -> None:
    """Retire every target, so that nothing is written down for them."""
    changes = targets.sync([], actor=system())
    show(changes, is_json, f"Told no more: {', '.join(changes['retired']) or 'nobody was'}.")


def _addresses() -> tuple[Address, ...]:
    found: tuple[Address, ...] = settings.M1_NOTIFY_ADDRESSES
    if not found:
        raise BadInputError("M1_NOTIFY_URLS is not set; see docs/notifications.md")
    return found
