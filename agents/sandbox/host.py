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


def end_marked(mark: bytes, grace_seconds: float) -> bool:
    """Kill every process whose environment holds the mark; False if the grace is over and one may be left.

    None is left after two looks that found none, if the second missed none: whoever has just ended, and so cannot be
    read, may have left a child that is too young for this look, unless it could not be read in the look before either.
    """
    deadline = time.monotonic() + grace_seconds
    unread: set[str] | None = None
    while time.monotonic() < deadline:
        before = unread
        found, now = _look(mark)
        unread = None if found else now
        if not found and before is not None and now <= before:
            return True
    return False


def _look(mark: bytes) -> tuple[bool, set[str]]:
    """Kill what holds the mark; return whether anything did, and which processes cannot be read: ended, or others'."""
    found, unread = False, set[str]()
    for process in Path("/proc").glob("[0-9]*"):
        environment = _read(process / "environ")
        if not environment:
            unread.add(process.name)
        elif mark in environment.split(b"\0"):
            found = True
            with suppress(ProcessLookupError, PermissionError):  # of another user by now: not ours to kill
                os.kill(int(process.name), signal.SIGKILL)
    return found, unread


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
