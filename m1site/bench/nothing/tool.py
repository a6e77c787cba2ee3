"""The tool of `m1 bench execution`."""

from __future__ import annotations

import time

from policy.declare import Answer, tool


@tool("bench.nothing", headline="Do nothing, number {number}", risk="low")
def nothing(number: int) -> Answer:
    """Say when its first instruction ran, in nanoseconds of the machine's monotonic clock, as text."""
    return {"began": str(time.monotonic_ns()), "number": number}
