"""`m1 bench`: measure M1's speed on this machine. Marks are judged here and never by a timed test."""

from collections.abc import Sequence
from typing import Any

import click

from m1site.bench import cells
from m1site.bench.cells import Cell, Plan
from m1site.bench.engines import ENGINES, OURS, PEERS
from m1site.bench.execution import figures as execution_figures
from m1site.bench.figures import COLUMNS, Figure
from m1site.bench.inbox import KINDS
from m1site.bench.inbox import figures as inbox_figures
from m1site.bench.policy import figures
from m1site.bench.tables import CELL_COLUMNS, cell_rows
from m1site.bench.workload import SHAPES
from m1site.cli.operator import told
from m1site.cli.output import as_json, table

HOW_TO_INSTALL = "`.venv/bin/uv pip install -r pyproject.toml --extra bench` brings it"
SHAPES_IN_WORDS = "; ".join(f"{name}: {words}" for name, words in SHAPES.items()) + "."


class Several(click.ParamType[list[Any]]):
    """Several of something, with commas between them."""

    name = "list"

    def __init__(self, kind: click.ParamType[Any]) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        """Return each once; what is not of the kind ends the command with 2."""
        words = value.split(",") if isinstance(value, str) else value
        return list(dict.fromkeys(self._kind.convert(word, param, ctx) for word in words))


SIZES = Several(click.IntRange(10, 10_000))
SHAPE_NAMES = Several(click.Choice(list(SHAPES)))
KIND_NAMES = Several(click.Choice(list(KINDS)))
KINDS_IN_WORDS = "; ".join(f"{name}: {words}" for name, words in KINDS.items()) + "."
PEER_NAMES = Several(click.Choice(["all", "none", *PEERS]))


@click.group(help="Measure M1's speed on this machine.", context_settings={"show_default": True})
def bench() -> None:
    """Nothing but the commands."""


@bench.command(help="Decisions of the policy engine, beside cedarpy and cel-expr-python where they are installed.")
@click.option("--n", "sizes", type=SIZES, default="10,100,1000,10000", help="Numbers of rules.")
@click.option("--shape", "shapes", type=SHAPE_NAMES, default="grow,hundred", help=SHAPES_IN_WORDS)
@click.option("--repeats", type=click.IntRange(1, 20), default=3, help="How often; medians are printed.")
@click.option("--peers", type=PEER_NAMES, default="all", help="all, none, or names.")
@click.option("--seconds", type=click.FloatRange(0.1, 60), default=6.0, help="For each engine on each rule set.")
@as_json
@told
def policy(sizes: list[int], shapes: list[str], repeats: int, peers: list[str], seconds: float, is_json: bool) -> None:
    """Measure, print, and exit 1 where a mark is missed."""
    plan = Plan([*OURS, *_installed(peers)], sizes, shapes, repeats, seconds)
    found = list(cells.cells(plan, _tell))
    all_figures = list(figures(plan, found, _tell))
    _show(found, all_figures, is_json)
    if any(figure.ok is False for figure in all_figures):
        click.get_current_context().exit(1)


@bench.command(help="Pages with thousands of calls waiting, in a database of its own beside the configured one.")
@click.option("--calls", "count", type=click.IntRange(200, 100_000), default=10_000, help="How many calls wait.")
@click.option("--kind", "kinds", type=KIND_NAMES, default="alike,different", help=KINDS_IN_WORDS)
@click.option("--rounds", type=click.IntRange(1, 1_000), default=21, help="How often each page is asked for.")
@as_json
@told
def inbox(count: int, kinds: list[str], rounds: int, is_json: bool) -> None:
    """Measure, print, and exit 1 where a mark is missed."""
    _print(list(inbox_figures(kinds, count, rounds, _tell)), is_json)


@bench.command(help="From a yes to the tool's start, calls a second, sweeps; with workers and a broker of its own.")
@click.option("--probes", type=click.IntRange(20, 10_000), default=300, help="How many calls are approved one by one.")
@click.option("--calls", type=click.IntRange(100, 10_000), default=600, help="How many wait when the worker starts.")
@click.option("--pending", type=click.IntRange(200, 100_000), default=10_000, help="How many wait while sweeps run.")
@as_json
@told
def execution(probes: int, calls: int, pending: int, is_json: bool) -> None:
    """Measure, print, and exit 1 where a mark is missed."""
    _print(list(execution_figures(probes, calls, pending, _tell)), is_json)


def _print(found: list[Figure], is_json: bool) -> None:
    if is_json:
        click.echo("\n".join(figure.line() for figure in found))
    else:
        table([one.row() for one in found], COLUMNS, False, "")
    if any(figure.ok is False for figure in found):
        click.get_current_context().exit(1)


def _installed(words: Sequence[str]) -> list[str]:
    """Return the peers that are asked for and there; the others are named in a line each."""
    asked = [peer for peer in PEERS if peer in words or "all" in words]
    for peer in asked:
        if not ENGINES[peer].is_installed:
            _tell(f"{peer} is not installed, so no ratio to it is measured; {HOW_TO_INSTALL}")
    return [peer for peer in asked if ENGINES[peer].is_installed]


def _show(found: list[Cell], all_figures: list[Figure], is_json: bool) -> None:
    if is_json:
        click.echo("\n".join(figure.line() for figure in all_figures))
        return
    table(cell_rows(found), CELL_COLUMNS, False, "")
    click.echo()
    table([one.row() for one in all_figures if one.mark is not None or one.ok is False], COLUMNS, False, "")


def _tell(line: str) -> None:
    click.echo(line, err=True)
