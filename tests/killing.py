"""End processes as nobody would wish, and see who lives on."""

import os
import signal
from pathlib import Path

from tests.people import until


def kill(process: int, pool: int) -> None:
    """Kill a process with -9, and wait until the pool child and its tool's processes have ended."""
    doomed = [pool, *below(pool)]
    assert len(doomed) > 2, "the nanny and the tool"
    os.kill(process, signal.SIGKILL)
    until(lambda: not any(map(is_alive, doomed)), what=f"the end of {doomed}")


def children(process: int) -> list[int]:
    """Return the processes that a process has started itself."""
    told = Path(f"/proc/{process}/task/{process}/children")
    return [int(pid) for pid in told.read_text().split()] if told.exists() else []


def below(process: int) -> list[int]:
    """Return the processes below a process."""
    found = children(process)
    return [*found, *(lower for pid in found for lower in below(pid))]


def is_alive(process: int) -> bool:
    """Tell whether a process runs; one that nobody has waited for yet does not."""
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
