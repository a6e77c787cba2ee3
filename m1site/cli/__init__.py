"""The `m1` command. People's commands are REST clients; the operator's work on the database, as `system:cli`."""

import sys
from collections.abc import Sequence
from io import TextIOWrapper

import click

from m1site.cli.lazy import Command, LazyGroup

PERSON = {
    "login": Command("m1site.cli.login:login", "Keep your API key on this machine."),
    "run": Command("m1site.cli.runs:run", "Give an agent a goal."),
    "pending": Command("m1site.cli.decisions:pending", "List what waits for your decision."),
    "approve": Command("m1site.cli.decisions:approve", "Approve a tool call as it is now."),
    "reject": Command("m1site.cli.decisions:reject", "Reject a tool call; the agent reads why."),
    "review": Command("m1site.cli.review:review", "Look at what waits for you, one call at a time, and decide."),
    "drill": Command("m1site.cli.drill:drill", "Practise: judge staged calls, some of them deceptive."),
    "edit": Command("m1site.cli.edit:edit", "Change a call's arguments before anybody decides."),
    "reopen": Command("m1site.cli.decisions:reopen", "Let the agent ask again for what was rejected."),
    "break-glass": Command("m1site.cli.break_glass:break_glass", "Approve a call alone, in an emergency."),
    "review-glass": Command("m1site.cli.break_glass:review_glass", "Review what was approved that way."),
    "away": Command("m1site.cli.away:away", "Let somebody decide in your place while you are away."),
    "halt": Command("m1site.cli.halts:halt", "Stop everything, an agent or a tool; let them go on."),
    "cancel": Command("m1site.cli.cancel:cancel", "End a run, or stop one call that was let go."),
    "settle": Command("m1site.cli.decisions:settle", "Say how a lost call ended."),
    "preauthorize": Command("m1site.cli.tokens:preauthorize", "Say yes ahead of time."),
    "token": Command("m1site.cli.tokens:token", "List, verify and revoke tokens; change their key."),
    "policy": Command("m1site.cli.policy:policy", "Write, test, compare and publish the policy; try a call on it."),
}
OPERATOR = {
    "demo": Command("m1site.cli.demo:demo", "Start everything on this machine."),
    "tools": Command("m1site.cli.tools:tools", "List tools, publish and enable their versions.", needs_django=True),
    "check": Command(
        "m1site.cli.check:check", "Check database, broker, Redis, roles and notifications.", needs_django=True
    ),
    "notify": Command(
        "m1site.cli.notify:notify", "Tell people outside M1: the worker, and a trial.", needs_django=True
    ),
    "bench": Command("m1site.cli.bench:bench", "Measure M1's speed on this machine."),
}


@click.group(cls=LazyGroup, commands_by_name={**PERSON, **OPERATOR}, help=__doc__)
def group() -> None:
    """Nothing but the commands."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and end the process with 0 (done), 1 (refused or failed) or 2 (bad input)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that knows no `│` is told its number, and no command fails
            stream.reconfigure(errors="backslashreplace")
    group(args=None if argv is None else list(argv), prog_name="m1")
