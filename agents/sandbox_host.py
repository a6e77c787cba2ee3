"""What a worker does about processes that are not its own children: hide from them, and end those that escaped."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None, use_errno=True)


def hide_memory() -> None:
    """Keep this process's memory and environment from others of the same user: the tool is one, and holds no secret."""
    if _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def end_marked(mark: bytes, grace_seconds: float) -> None:
    """Kill every process whose environment holds the mark, until there is none or the grace is over."""
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline:
        marked = [process for process in Path("/proc").glob("[0-9]*") if _holds(process / "environ", mark)]
        for process in marked:
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)
        if not marked:
            return


def _holds(file: Path, mark: bytes) -> bool:
    try:
        return mark in file.read_bytes().split(b"\0")
    except OSError:
        return False
