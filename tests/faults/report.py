"""The report at the end: what struck, what happened outside, what was lost, and what a person had to settle."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

import pytest

NAME = "fault"


@dataclass(frozen=True)
class Cell:
    """One call at a step when a fault struck.

    effects     how often the server outside was told of an effect
    duplicates  effects beyond the first
    lost        things that REST had answered 2xx to and that are not there
    person      1 if a person had to say how it ended
    """

    fault: str
    step: str
    effects: int
    duplicates: int
    lost: int
    person: int


FIGURES = [field.name for field in fields(Cell) if field.type is int]


def record(item: pytest.FixtureRequest, cell: Cell) -> None:
    """Put a cell down for the report, also from a process of pytest-xdist."""
    item.node.user_properties.append((NAME, asdict(cell)))


def lines(reports: list[pytest.TestReport]) -> Iterator[str]:
    """Return the report, a line per fault and one for all; nothing where no fault struck."""
    totals: dict[str, Counter[str]] = {}
    for report in reports:
        told: list[Any] = [one for name, one in report.user_properties if name == NAME]
        for cell in told:
            _add(totals.setdefault(str(cell["fault"]), Counter()), cell)
            _add(totals.setdefault("all", Counter()), cell)
    everything = totals.pop("all", None)
    if everything is not None:
        yield f"{'fault':<22}{'struck':>8}" + "".join(f"{name:>12}" for name in FIGURES)
        yield from (_line(name, counts) for name, counts in totals.items())
        yield _line("all", everything)


def _add(counts: Counter[str], cell: dict[str, Any]) -> None:
    counts.update({"struck": 1, **{name: int(cell[name]) for name in FIGURES}})


def _line(name: str, counts: Counter[str]) -> str:
    return f"{name:<22}{counts['struck']:>8}" + "".join(f"{counts[figure]:>12}" for figure in FIGURES)
