"""The measured cells as a table for people: medians over the repeats, ratios taken inside each."""

from collections.abc import Sequence

from m1site.bench.cells import Cell, where
from m1site.bench.figures import middle

TITLES = "shape rules engine,a second,p50 us,p99 us,M1 is x,load ms".split(",")
CELL_COLUMNS = [(title, title) for title in TITLES]


def cell_rows(found: Sequence[Cell]) -> list[dict[str, str]]:
    """Return one row for each engine on each workload, in the order in which they were measured."""
    keys = dict.fromkeys((cell.engine, cell.shape, cell.size) for cell in found)
    return [_row(where(found, *key), where(found, "m1", *key[1:])) for key in keys]


def _row(cells: Sequence[Cell], m1: Sequence[Cell]) -> dict[str, str]:
    first, ours = cells[0], {cell.repeat: cell.per_second for cell in m1}
    numbers = {
        "a second": [cell.per_second for cell in cells],
        "p50 us": [cell.p50 for cell in cells],
        "p99 us": [cell.p99 for cell in cells],
        "M1 is x": [ours[cell.repeat] / cell.per_second for cell in cells],
        "load ms": [cell.load_ms for cell in cells],
    }
    medians = {title: _number(middle(values)) for title, values in numbers.items()}
    name = f"{first.shape} {first.size} {first.engine}"
    return {TITLES[0]: name, **medians}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
