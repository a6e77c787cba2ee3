"""The nanny: a process beside each worker, under which its tools run one after the other.

`agents.sandbox.nannies` starts it with nothing of the worker's but a socket. It imports little but the standard
library, and starts once: it forks a tool in a millisecond, where an interpreter of its own would take each call 25. It
runs no line of a tool's code itself, opens no order, and lets no process read or change its memory: what it forks is
always what it was at its start. It adopts every descendant, so that nothing a tool starts can outlive its call: neither
in a session of its own, nor when the worker is killed with -9.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from typing import NoReturn

from agents.sandbox.child import Place, become_tool
from agents.sandbox.kin import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    control,
    give_up_privileges,
    kill_descendants,
)

PATH_BYTES = 4_096


class Nanny:
    """Nurse tools, one at a time, for as long as the worker lives.

    directory   of the tool that runs
    """

    def __init__(self, control: int, worker: int) -> None:
        self.control = socket.socket(fileno=control)
        self.control.set_inheritable(False)
        self.worker = os.pidfd_open(worker)
        self.directory = ""
        self.room = environment_room()

    def serve(self) -> NoReturn:
        """Take orders until the worker has ended."""
        while True:
            self.wait(self.control.fileno())
            data, descriptors, _, _ = socket.recv_fds(self.control, PATH_BYTES, 3, socket.MSG_CMSG_CLOEXEC)
            if not data:
                self.leave()
            if len(descriptors) == 3:  # else it is word to stop a tool that has ended meanwhile
                self.directory = os.fsdecode(data)
                status = self.nurse(descriptors)
                with contextlib.suppress(OSError):  # the worker is gone, which the next look will find
                    self.control.send(b"%d" % status)
                    self.directory = ""

    def nurse(self, descriptors: list[int]) -> int:
        """Run one tool, leave no process behind, and return how it ended: 0, 1, or 128 and the number of a signal."""
        nanny = os.getpid()
        tool = os.fork()
        if tool == 0:
            self.control.detach()
            become_tool(Place(self.directory, self.room), nanny, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        ended = os.pidfd_open(tool)
        if ended not in self.wait(ended, self.control.fileno()):
            os.kill(tool, signal.SIGKILL)  # the worker says so, or it has closed the door
        os.close(ended)
        status = os.waitpid(tool, 0)[1]
        kill_descendants()
        if os.WIFSIGNALED(status):
            return 128 + os.WTERMSIG(status)
        return 1 if os.WEXITSTATUS(status) else 0

    def wait(self, *descriptors: int) -> list[int]:
        """Return those of the descriptors that are ready; leave if the worker has ended."""
        poll = select.poll()
        for descriptor in (self.worker, *descriptors):
            poll.register(descriptor, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll()]
        if self.worker in ready:
            self.leave()
        return ready

    def leave(self) -> NoReturn:
        """Kill what is below and end; a worker that is gone cannot clean up, so the tool's directory goes too."""
        kill_descendants()
        if self.directory:
            os.execv("/bin/rm", ["rm", "-rf", "--", self.directory])  # noqa: S606 - fixed words and a path of our own
        os._exit(0)


def main() -> NoReturn:
    """Become a nanny: without privileges, closed to every other process, and without a trace of the start."""
    control_number, worker = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a worker may ignore it, and then there is nothing to wait for
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    control(PR_SET_CHILD_SUBREAPER, 1)
    give_up_privileges()
    nanny = Nanny(control_number, worker)
    control(PR_SET_DUMPABLE, 0)
    if os.getppid() != worker:
        os._exit(1)
    signal.signal(signal.SIGTERM, lambda *_: nanny.leave())
    gc.freeze()  # pages that the collector leaves alone stay shared
    nanny.serve()


def environment_room() -> tuple[int, int]:
    """Empty this process's environment, and return address and size of what the kernel shows of it to others."""
    kept = {name: value for name, value in os.environ.items() if name == "LC_CTYPE"}  # Python's own, if it set one
    os.environ.clear()
    os.environ.update(kept)
    with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123 - pathlib costs 10 ms
        start, end = map(int, stat.read().rpartition(b")")[2].split()[47:49])
    return start, end - start
