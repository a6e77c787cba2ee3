"""Times of single calls and of a loop of them, with the garbage collector running as it does in production."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MOST_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Timing:
    """Percentiles of single calls in microseconds, and how many calls a tight loop makes in a second."""

    p50: float
    p95: float
    p99: float
    per_second: float


def percentile(times: Sequence[float], share: float) -> float:
    """Return the time that this share of the times stays below; the list is sorted."""
    return times[min(len(times) - 1, int(share * len(times)))]


def measured(act: Callable[[Any], object], inputs: Sequence[Any], seconds: float) -> Timing:
    """Return how fast `act` takes the inputs: half the seconds for the loop, half for single calls.

    A fast one takes all of them many times over, a slow one as many as there is time for.
    """
    each = _estimate(act, inputs)
    some = inputs[: max(10, int(seconds / 2 / each))]
    rounds = min(MOST_ROUNDS, max(1, int(seconds / 2 / each / len(some))))
    began = time.perf_counter()
    for _ in range(rounds):
        for one in some:
            act(one)
    per_second = rounds * len(some) / (time.perf_counter() - began)
    times = sorted(_single(act, some, rounds))
    p50, p95, p99 = (round(percentile(times, share) / 1000, 2) for share in (0.5, 0.95, 0.99))
    return Timing(p50, p95, p99, round(per_second, 1))


def _estimate(act: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    """Return the seconds of one call, from a few; if they are short, every input passes by once to warm up."""
    began = time.perf_counter()
    for one in inputs[:3]:
        act(one)
    each = (time.perf_counter() - began) / 3
    if each * len(inputs) < 1:
        for one in inputs:
            act(one)
    return max(each, 1e-7)


def _single(act: Callable[[Any], object], inputs: Sequence[Any], rounds: int) -> list[int]:
    now, times = time.perf_counter_ns, []
    for _ in range(rounds):
        for one in inputs:
            began = now()
            act(one)
            times.append(now() - began)
    return times
