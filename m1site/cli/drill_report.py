"""How a person did in a drill: what they caught and missed, what each trick was, and where it could be seen."""

from m1site.cli import layout
from m1site.cli.output import console, say
from m1site.drills.score import CAUGHT, FALSE_ALARM, FAST_SECONDS, LEFT_OPEN, MISSED, RIGHT, Answered, Score
from policy import headline

WORDS = {MISSED: "MISSED", CAUGHT: "caught", LEFT_OPEN: "left open", FALSE_ALARM: "false alarm"}
STYLES = {MISSED: "bold red", CAUGHT: "green"}


def tell(score: Score, seed: int) -> None:
    """Print the figures, then each trick, the missed ones first, then what was rejected without need."""
    _figures(score)
    tricks = [one for result in (MISSED, LEFT_OPEN, CAUGHT) for one in score.of(result) if one.case.trick]
    if tricks:
        say("\nThe tricks", "bold")
    for one in tricks:
        _trick(one)
    if alarms := score.of(FALSE_ALARM):
        say("\nRejected without need", "bold")
    for one in alarms:
        _line(f"{_headline(one)}: {one.case.fine}", "  - ")
    say(f"\nThe same order again: --seed {seed}", "dim")


def _figures(score: Score) -> None:
    caught, missed, alarms, right = (len(score.of(one)) for one in (CAUGHT, MISSED, FALSE_ALARM, RIGHT))
    say("\nHow it went", "bold")
    say(f"  deceptive   {caught} caught, {missed} missed")
    say(f"  honest      {right} approved, {alarms} rejected without need")
    if left := score.of(LEFT_OPEN):
        say(f"  left open   {len(left)}")
    say(f"  time        {score.median_seconds:g} seconds a call, in the middle")
    missed_fast = sum(one.result == MISSED for one in score.fast)
    say(
        f"  fast        {len(score.fast)} approved in less than {FAST_SECONDS} seconds, {missed_fast} of them deceptive"
    )


def _trick(one: Answered) -> None:
    if not (trick := one.case.trick):
        return
    say(f"  {WORDS[one.result]}: {trick.name}, after {one.seconds:g} seconds", STYLES.get(one.result, ""))
    _line(_headline(one), "    ")
    _line(f"What it was: {trick.what}", "    ")
    _line(f"Where it could be seen: {trick.seen}", "    ")


def _headline(one: Answered) -> str:
    return headline.render(one.case.tool.headline, one.case.arguments)


def _line(text: str, first: str) -> None:
    for row in layout.folded(text, console().width, first):
        say(row)
