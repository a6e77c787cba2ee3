"""`m1 pending`, `approve`, `reject`, `settle`: a person's answers."""

from uuid import UUID

import click

from m1site.cli.client import Api
from m1site.cli.output import as_json, show, table

COLUMNS = (
    ("request", "requestId"), ("what", "headline"), ("risk", "risk"), ("agent", "agent"), ("for", "requester"),
    ("until", "expiresAt"),
)  # fmt: skip
digest_option = click.option("--digest", help="The arguments' digest that you saw; refused if it is another by now.")


@click.command(help="List what waits for your decision.")
@as_json
def pending(is_json: bool) -> None:
    """List the calls that the person may decide now."""
    calls = Api().every("tool-calls", waitingForMe="true")
    table(calls, COLUMNS, is_json, "Nothing waits for you.")


@click.command(help="Approve the tool call REQUEST as it is now.")
@click.argument("request_id", metavar="REQUEST", type=click.UUID)
@click.option("--comment", default="", help="What you want to say with it.")
@digest_option
@as_json
def approve(request_id: UUID, comment: str, digest: str | None, is_json: bool) -> None:
    """Record a yes to the arguments as M1 has them now, or to those of the digest."""
    api = Api()
    told = api.post(f"tool-calls/{request_id}/approve", {**_seen(api, request_id, digest), "comment": comment})
    show(told, is_json, f"{told['status']}: {told['headline']}")


@click.command(help="Reject the tool call REQUEST; the agent reads why.")
@click.argument("request_id", metavar="REQUEST", type=click.UUID)
@click.option("--comment", required=True, help="Why; the agent reads it.")
@click.option("--stop-run", is_flag=True, help="Cancel the whole run with it.")
@digest_option
@as_json
def reject(request_id: UUID, comment: str, stop_run: bool, digest: str | None, is_json: bool) -> None:
    """Record a no."""
    api = Api()
    body = {**_seen(api, request_id, digest), "comment": comment, "stopRun": stop_run}
    told = api.post(f"tool-calls/{request_id}/reject", body)
    show(told, is_json, f"{told['status']}: {told['headline']}")


@click.command(help="Say how the lost tool call REQUEST ended, after you have looked.")
@click.argument("request_id", metavar="REQUEST", type=click.UUID)
@click.argument("outcome", type=click.Choice(["succeeded", "failed"]))
@click.option("--note", required=True, help="How you know.")
@as_json
def settle(request_id: UUID, outcome: str, note: str, is_json: bool) -> None:
    """Record what became of it."""
    told = Api().post(f"tool-calls/{request_id}/settle", {"outcome": outcome, "note": note})
    show(told, is_json, f"{told['status']}: {told['headline']}")


def _seen(api: Api, request_id: UUID, digest_seen: str | None) -> dict[str, object]:
    told = api.get(f"tool-calls/{request_id}")
    return {"argumentsDigest": digest_seen or told["argumentsDigest"], "round": told["round"]}
