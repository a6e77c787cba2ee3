"""`m1 drill`: honest and deceptive proposals, for training, with the rendering and the questions of `m1 review`.

Nothing is executed and no server is asked. What was approved does not happen; how the person did is told at the end.
"""

import secrets
import sys
from contextlib import nullcontext, redirect_stdout

import click

from audit.errors import M1Error
from m1site.cli import drill_report, layout
from m1site.cli.asking import ask
from m1site.cli.looking import Look
from m1site.cli.output import as_json, console, say, show, table
from m1site.drills import calls, reading
from m1site.drills.scenario import Scenario
from m1site.drills.score import MISSED, Answered, Score

FIRST = "first"
COLUMNS = (("scenario", "scenario"), ("title", "title"), ("calls", "calls"), ("about", "about"))
MOST_SEED = 2**31


@click.command(help="Practise: judge staged calls, some of them deceptive. SCENARIO is a name of --list, or a file.")
@click.argument("scenario", default=FIRST)
@click.option("--list", "is_list", is_flag=True, help="List the scenarios that M1 comes with.")
@click.option("--seed", type=click.IntRange(0, MOST_SEED), help="Play the calls in the order of this number again.")
@as_json
def drill(scenario: str, is_list: bool, seed: int | None, is_json: bool) -> None:
    """Play a scenario; end with 1 where something deceptive was approved, or where it was broken off."""
    if is_list:
        table(map(_row, map(reading.read, reading.names())), COLUMNS, is_json, "There is none.")
        return
    found, number = _read(scenario), secrets.randbelow(MOST_SEED) if seed is None else seed
    answers: list[Answered] = []
    try:
        with redirect_stdout(sys.stderr) if is_json else nullcontext():  # what a script reads is the JSON alone
            _introduce(found)
            _play(found, answers, number)
    finally:  # also where it is broken off by Ctrl-C or Ctrl-D
        _tell(found, Score(answers), number, is_json)
    if Score(answers).of(MISSED):
        click.get_current_context().exit(1)


def _row(scenario: Scenario) -> dict[str, object]:
    return {"scenario": scenario.name, "title": scenario.title, "calls": len(scenario.cases), "about": scenario.about}


def _read(name: str) -> Scenario:
    try:
        return reading.read(name)
    except M1Error as exc:
        raise click.BadParameter(f"{name}: {exc}", param_hint="SCENARIO") from exc
    except (OSError, ValueError) as exc:
        known = ", ".join(reading.names())
        raise click.BadParameter(f"{name} is no file to read and none of {known}.", param_hint="SCENARIO") from exc


def _introduce(scenario: Scenario) -> None:
    say(f"{scenario.title}: {len(scenario.cases)} calls. A drill: nothing is executed, and no server is asked.", "bold")
    told = f"{scenario.about} You are in the group approver, and each call waits for you. Decide as at your desk."
    for row in layout.folded(told, console().width):
        say(row)


def _play(scenario: Scenario, answers: list[Answered], seed: int) -> None:
    cases = scenario.in_order(seed)
    for number, case in enumerate(cases, 1):
        say(f"\ndrill, {number} of {len(cases)}", "dim")
        look = Look(calls.call_of(case, answers))
        answer = ask(look)
        if answer.kind == "quit":
            return
        answers.append(Answered(case, answer.kind, look.seconds))
        say({"approve": "Approved.", "reject": "Rejected.", "skip": "Left open."}[answer.kind], "green")


def _tell(scenario: Scenario, score: Score, seed: int, is_json: bool) -> None:
    if is_json:
        show({"scenario": scenario.name, "seed": seed, **score.as_json()}, True, "")
    else:
        drill_report.tell(score, seed)
