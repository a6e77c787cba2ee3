"""Start a program that cannot outlive the process that started it, however that one ends, kill -9 included.

Run as a file, not as a module, so that it starts in milliseconds: prctl, then exec of the program in its place.
The kernel counts the *thread* that started the program as its parent: start from one that lives on.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def wrap(command: Sequence[str], death_signal: signal.Signals, *, user: tuple[int, int] | None = None) -> list[str]:
    """Return the command line that runs `command`, to be sent `death_signal` when this process ends.

    user   (uid, gid) to run as, for a caller who is root
    """
    uid, gid = user or (-1, -1)
    return [
        sys.executable,
        "-I",
        "-S",
        __file__,
        str(os.getpid()),
        str(int(death_signal)),
        str(uid),
        str(gid),
        *command,
    ]


def main(parent: int, death_signal: int, uid: int, gid: int, command: list[str]) -> None:
    """Become `command`. What a change of user would undo is done after it."""
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it ended before the line above took effect
        sys.exit("m1: the parent process has ended")
    os.execvp(command[0], command)


if __name__ == "__main__":
    parent, death_signal, uid, gid = map(int, sys.argv[1:5])
    main(parent, death_signal, uid, gid, sys.argv[5:])
