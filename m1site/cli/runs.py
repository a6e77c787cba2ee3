"""`m1 run`: a goal for an agent, and what comes of it."""

import time
from typing import Any

import click

from m1site.cli.client import Api
from m1site.cli.output import as_json, say, show

POLL_SECONDS = 1.0
OVER = frozenset({"completed", "failed", "cancelled"})


@click.command(help="Give an agent a GOAL.")
@click.argument("goal")
@click.option("--agent", required=True, help="The agent's name.")
@click.option("--preauthorization", type=click.UUID, help="One that names you: its jti.")
@click.option("--budget", help="US dollars that the run may spend.")
@click.option("--follow", is_flag=True, help="Stay, and tell what happens until the run ends.")
@as_json
def run(goal: str, agent: str, preauthorization: Any, budget: str | None, follow: bool, is_json: bool) -> None:
    """Create the run, and follow it if asked."""
    body: dict[str, Any] = {"goal": goal, "agent": agent}
    if preauthorization:
        body["preauthorization"] = str(preauthorization)
    if budget:
        body["budgetUsd"] = budget
    api = Api()
    made = api.post("runs", body)
    if not is_json:
        say(f"{api.url}/runs/{made['id']}/")
    if follow:
        made = _follow(api, made["id"], quiet=is_json)
    show(made, is_json, f"The run is {made['status']}. {made['answer'] or made['problem']}")
    if made["status"] in ("failed", "cancelled"):
        click.get_current_context().exit(1)


def _follow(api: Api, run_id: str, *, quiet: bool) -> dict[str, Any]:
    """Tell every change of a call until the run is over; return the run."""
    told: dict[str, str] = {}
    while True:
        found = api.get(f"runs/{run_id}")
        for turn in found["turns"]:
            for call in turn["toolCalls"]:
                if not quiet and told.get(call["requestId"]) != call["status"]:
                    say(f"{call['status']:<10} {call['headline']}")
                told[call["requestId"]] = call["status"]
        if found["status"] in OVER:
            return found
        time.sleep(POLL_SECONDS)
