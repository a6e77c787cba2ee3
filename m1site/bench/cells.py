"""Cells of the benchmark, each measured by a process of its own; a repeat asks every engine once, for fair ratios."""

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from audit.errors import M1Error

LONGEST = 600.0


class BenchError(M1Error):
    """The benchmark stopped: {what} {problem}"""

    code = "bench_failed"
    http_status = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: engines on rule sets of these sizes and shapes, so many times over."""

    engines: Collection[str]
    sizes: Collection[int]
    shapes: Collection[str]
    repeats: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One engine on one workload, once: microseconds a call, calls a second, milliseconds to load the rules.

    checked   calls that were compared with the slow reference
    """

    engine: str
    size: int
    shape: str
    repeat: int
    p50: float
    p95: float
    p99: float
    per_second: float
    load_ms: float
    checked: int


def cells(plan: Plan, tell: Callable[[str], None]) -> Iterator[Cell]:
    """Yield the measured cells one by one, each told in a line; raises BenchError."""
    for shape in plan.shapes:
        for size in plan.sizes:
            for repeat in range(plan.repeats):
                for engine in plan.engines:
                    facts = child("one", engine, str(size), shape, str(plan.seconds))
                    tell(f"{shape} {size} {engine}: {facts['per_second']:,.0f} decisions a second")
                    yield Cell(engine, size, shape, repeat, **facts)


def where(found: Sequence[Cell], engine: str, shape: str, size: int) -> list[Cell]:
    """Return the repeats of one engine on one workload."""
    return [cell for cell in found if (cell.engine, cell.shape, cell.size) == (engine, shape, size)]


def child(module: str, *arguments: str) -> dict[str, Any]:
    """Return what a module of this package measures in a process of its own; raises BenchError with its last words."""
    command = [sys.executable, "-m", "m1site.bench.child", f"m1site.bench.{module}", *arguments]
    what = f"{module} {' '.join(arguments)}"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        raise BenchError(what=what, problem=f"took more than {LONGEST:.0f} seconds") from None
    if done.returncode:
        raise BenchError(what=what, problem=(done.stderr.strip() or "ended without a word").splitlines()[-1][:500])
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts
