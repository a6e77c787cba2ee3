"""One engine on one workload. An answer that differs from the slow reference ends the process."""

import sys
import time
from dataclasses import asdict

from m1site.bench.engines import ENGINES, Engine
from m1site.bench.expected import expected
from m1site.bench.making import make
from m1site.bench.timing import measured
from m1site.bench.workload import Workload

CHECKED = 300


def main(name: str, size: str, shape: str, seconds: str) -> dict[str, float]:
    """Return the fields of a `Cell`: load, check, measure, each a third of the seconds at most."""
    work, third = make(int(size), shape), float(seconds) / 3
    ENGINES[name].load(work.beginning())  # what is imported on first use is not loading
    began = time.perf_counter()
    engine = ENGINES[name].load(work)
    loaded = time.perf_counter() - began
    facts = {"load_ms": round(loaded * 1000, 1), "checked": check(engine, work, third)}
    return facts | asdict(measured(engine.decide, work.calls, 2 * third))


def check(engine: Engine, work: Workload, seconds: float) -> int:
    """Return how many calls there was time to compare; ends the process at the first difference."""
    ends = time.perf_counter() + seconds
    for number, call in enumerate(work.calls[:CHECKED]):
        if number and time.perf_counter() > ends:
            return number
        answer, ids = engine.meaning(engine.decide(call))
        wanted, matched = expected(work.rules, call)
        if answer != wanted or (ids is not None and ids != matched):
            sys.exit(f"answers {answer!r} by {ids} to {call}, where {wanted!r} by {matched} is right")
    return CHECKED
