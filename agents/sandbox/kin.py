"""What the processes of a tool are to each other: who dies with whom, and an end to all of them.

Imports the standard library only: the tool's side of the sandbox is no part of the worker.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


def control(option: int, value: int) -> None:
    """Call prctl(2) or fail."""
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def give_up_privileges() -> None:
    """Keep no capability and gain none: a worker that is root is then beyond a tool's reach, its memory included."""
    control(PR_SET_NO_NEW_PRIVS, 1)
    if libc.capset((ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset")


def die_with(parent: int, number: int) -> None:
    """Have the kernel send a signal when the parent dies; leave if it already has."""
    control(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def kill_descendants() -> None:
    """Kill until none is left: whoever loses its parent meanwhile becomes the nanny's own child.

    By process group, since the kernel kills a group at one stroke while its members go on forking, and one by one.
    """
    own = os.getpgrp()
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
            for process, group in descendants().items():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    if group != own:
                        os.killpg(group, signal.SIGKILL)
            os.waitpid(-1, 0)


def descendants() -> dict[int, int]:
    """Return the processes below this one, with their groups, as far as /proc can tell at this instant."""
    found: dict[int, int] = {}
    family = dict(filter(None, map(kin, filter(str.isdigit, os.listdir("/proc")))))  # noqa: PTH208 - pathlib costs 10 ms
    above = {os.getpid()}
    while above:
        below = {process: group for process, (parent, group) in family.items() if parent in above}
        found |= below
        above = set(below)
    return found


def kin(process: str) -> tuple[int, tuple[int, int]] | None:
    """Return a process with its parent and its group; None when it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/stat", "rb") as stat:  # noqa: PTH123 - as above
        _, parent, group = stat.read().rpartition(b")")[2].split(maxsplit=3)[:3]
        return int(process), (int(parent), int(group))
    return None
