"""The figures of `m1 bench policy`: ratios to the peers, growth with the number of rules, how soon a change is live."""

from collections.abc import Callable, Iterator, Sequence

from m1site.bench.cells import Cell, Plan, child, where
from m1site.bench.engines import PEERS
from m1site.bench.figures import Figure, middle

PEER, RATIO_SIZE, SMALL, LARGE = "cedarpy", 1000, 100, 10_000
RATIO = {"grow": 300.0, "hundred": 200.0}
GROWTH = {"grow": 2.0, "hundred": 8.0}
P99_US, LIVE_MS, FIRST_US, WHOLE_US = 15.0, 50.0, 10_000.0, 150.0
CEILINGS_US = {"p50": 1000.0, "p95": 5000.0, "p99": 10_000.0}


def figures(plan: Plan, found: Sequence[Cell], tell: Callable[[str], None]) -> Iterator[Figure]:
    """Yield every figure that the cells and the processes started here give."""
    for shape in plan.shapes:
        for size in plan.sizes:
            yield from _of_cell(found, shape, size)
            yield from _ratios(found, shape, size)
        if {SMALL, LARGE} <= set(plan.sizes):
            yield _growth(found, shape)
        if LARGE in plan.sizes:
            yield from _reload(plan, shape, tell)
    if RATIO_SIZE in plan.sizes:
        yield from _whole_check(plan, tell)


def _of_cell(found: Sequence[Cell], shape: str, size: int) -> Iterator[Figure]:
    name, ours = f"{shape}.{size}", where(found, "m1", shape, size)
    yield Figure(f"{name}.decisions_per_second", middle(cell.per_second for cell in ours), "1/s")
    for share, ceiling in CEILINGS_US.items():
        mark = P99_US if share == "p99" and size == LARGE else None
        yield Figure(f"{name}.{share}", middle(getattr(cell, share) for cell in ours), "us", mark, ceiling)
    named = middle(cell.p50 for cell in where(found, "m1-named", shape, size))
    yield Figure(f"{name}.p50_with_the_names_read", named, "us")


def _ratios(found: Sequence[Cell], shape: str, size: int) -> Iterator[Figure]:
    """Yield how many times the decisions of each peer M1 makes, each ratio taken inside one repeat."""
    ours = {cell.repeat: cell for cell in where(found, "m1", shape, size)}
    for peer in PEERS:
        theirs = where(found, peer, shape, size)
        times = middle(ours[cell.repeat].per_second / cell.per_second for cell in theirs)
        mark = RATIO[shape] if (peer, size) == (PEER, RATIO_SIZE) else None
        yield Figure(f"{shape}.{size}.times_{peer}", times, "x", mark, is_floor=True)


def _growth(found: Sequence[Cell], shape: str) -> Figure:
    small = {cell.repeat: cell.p50 for cell in where(found, "m1", shape, SMALL)}
    times = middle(cell.p50 / small[cell.repeat] for cell in where(found, "m1", shape, LARGE))
    return Figure(f"{shape}.p50_at_{LARGE}_over_{SMALL}", times, "x", GROWTH[shape])


def _reload(plan: Plan, shape: str, tell: Callable[[str], None]) -> Iterator[Figure]:
    lives = [child("reload", str(LARGE), shape) for _ in range(plan.repeats)]
    tell(f"{shape} {LARGE} reload: live in {lives[0]['live_ms']} ms")
    name = f"{shape}.{LARGE}"
    yield Figure(f"{name}.live_after_a_change", middle(live["live_ms"] for live in lives), "ms", LIVE_MS)
    first = middle(live["first_p99_us"] for live in lives)
    yield Figure(f"{name}.first_call_on_a_tool.p99", first, "us", FIRST_US)


def _whole_check(plan: Plan, tell: Callable[[str], None]) -> Iterator[Figure]:
    checks = [child("whole_check", str(RATIO_SIZE)) for _ in range(plan.repeats)]
    tell(f"whole check, {RATIO_SIZE} rules: p99 {checks[0]['p99']} us")
    for share, ceiling in CEILINGS_US.items():
        mark = WHOLE_US if share == "p99" else None
        yield Figure(f"whole_check.{share}", middle(check[share] for check in checks), "us", mark, ceiling)
