"""The figures of `m1 bench execution`: from yes to start, calls beside bare tasks, steps of a call, sweeps."""

from collections.abc import Callable, Iterator

from m1site.bench.cells import child
from m1site.bench.figures import Figure

MARKS_MS = {"approve_to_start.p50": (50.0, 100.0), "approve_to_start.p95": (None, 500.0)}
MARKS_MS |= {"approve_to_start.p99": (250.0, 1000.0)}
MARK_OVER_BARE = 0.25
MARK_SWEEP_MS = 50.0
UNITS = {"calls_per_second": "calls/s", "bare_per_second": "tasks/s"}


def figures(probes: int, calls: int, pending: int, tell: Callable[[str], None]) -> Iterator[Figure]:
    """Yield what was measured; marks as in docs/speed.md."""
    tell(f"{probes} calls are approved one by one, then {calls} at once; bare tasks run before and after those")
    for name, value in child("execution_run", str(probes), str(calls)).items():
        if name == "over_bare":
            yield Figure(name, value, "×", MARK_OVER_BARE, is_floor=True)
        else:
            mark, ceiling = MARKS_MS.get(name, (None, None))
            unit = "queries" if name.endswith(".queries") else UNITS.get(name, "ms")
            yield Figure(name, value, unit, mark, ceiling)
    tell(f"sweeps while nothing waits, and while {pending:,} calls do")
    for name, value in child("execution_sweeps", str(pending)).items():
        yield Figure(f"sweeps.{name}", value, "ms", MARK_SWEEP_MS)
