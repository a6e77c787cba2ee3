"""`m1 cancel`: end a run, or stop one call that was let go."""

from uuid import UUID

import click

from m1site.cli.client import Api
from m1site.cli.options import request_argument
from m1site.cli.output import as_json, show


@click.group()
def cancel() -> None:
    """Cancel a run, or stop one of its calls."""


@cancel.command(help="End the run RUN: what waits is cancelled, what runs is stopped.")
@click.argument("run_id", metavar="RUN", type=click.UUID)
@click.option("--reason", default="", help="Why.")
@as_json
def run(run_id: UUID, reason: str, is_json: bool) -> None:
    """Cancel the run."""
    told = Api().post(f"runs/{run_id}/cancel", {"reason": reason})
    show(told, is_json, f"The run is {told['status']}.")


@cancel.command(help="Stop the tool call REQUEST, approved or running; its run goes on.")
@request_argument
@click.option("--reason", required=True, help="Why; the agent reads it.")
@as_json
def call(request_id: UUID, reason: str, is_json: bool) -> None:
    """Stop the call."""
    told = Api().post(f"tool-calls/{request_id}/cancel", {"reason": reason})
    asked = " It is asked to stop." if told["isStopAsked"] else ""
    show(told, is_json, f"{told['status']}: {told['headline']}{asked}")
