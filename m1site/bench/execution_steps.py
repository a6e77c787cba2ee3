"""Where the time of one call goes: the steps of the executor's task, one by one, in this process."""

import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connection

from agents import tasks, workers
from agents.executing import claiming, dispatch, execution, tries
from agents.executing.lease import Lease
from m1site.bench.execution_desk import Desk

ROUNDS, WARM_UP = 60, 5
TICKS = os.sysconf("SC_CLK_TCK")
Times = dict[str, list[float]]


def measured(desk: Desk) -> dict[str, float]:
    """Return medians of a call's steps: wall clock and own CPU in milliseconds, and how many queries.

    tool.below_cpu is the CPU time of all processes below this one, a mean: the kernel counts it in ticks
    """
    found: Times = {}
    times = 0.0
    for number, call in enumerate(desk.propose(ROUNDS + WARM_UP)):
        desk.approve(call)
        if number == WARM_UP:
            found, times = {}, _below()
        _run(call.pk, found)
    steps = {f"steps.{name}": median(values) for name, values in found.items()}
    return steps | {"steps.tool.below_cpu": (_below() - times) / ROUNDS * 1000}


def _run(request_id: UUID, found: Times) -> None:
    worker = workers.name()
    with _step("take_up", found):
        dispatch.take_up(request_id)
    with _step("claim", found):
        claimed = claiming.claim(request_id, worker=worker, definitions=tasks.definitions())
    if claimed is None:
        raise SystemExit(f"{request_id} was not claimed")
    began = time.monotonic_ns()
    with _step("tool", found):
        result = tries.run(
            claimed, limits=tasks.limits_of(claimed.definition), environment={}, lease=Lease(lambda: True),
            retried=lambda number, before: False,
        )  # fmt: skip
    started = int(json.loads(result.output)["began"])
    found.setdefault("child_start.ms", []).append((started - began) / 1e6)
    with _step("finish", found):
        execution.finish(request_id, result, worker=worker)


@contextmanager
def _step(name: str, found: Times) -> Iterator[None]:
    queries: list[str] = []
    wall, busy = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(partial(_count, queries)):
        yield
    for what, value in (
        ("ms", (time.perf_counter() - wall) * 1000),
        ("cpu", (time.process_time() - busy) * 1000),
        ("queries", float(len(queries))),
    ):
        found.setdefault(f"{name}.{what}", []).append(value)


def _count(
    queries: list[str], execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Mapping[str, Any]
) -> Any:
    queries.append(sql)
    return execute(sql, params, many, context)


def _below() -> float:
    """Return the seconds of CPU that all processes below this one have used, those that have ended included."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(map(_used, _descendants()))


def _descendants() -> list[list[str]]:
    """Return the fields of /proc/PID/stat after the name, of each process below this one."""
    rows = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            rows[stat.parent.name] = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
    found: list[list[str]] = []
    above = {str(os.getpid())}
    while above:
        below = {process: fields for process, fields in rows.items() if fields[1] in above}
        found += below.values()
        above = set(below)
    return found


def _used(fields: list[str]) -> float:
    return sum(map(int, fields[11:15])) / TICKS  # own and waited-for children's, in user and kernel
