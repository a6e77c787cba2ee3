"""The worker's nannies: started when they are first needed, kept from call to call, replaced when one is gone."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAIN = "import sys; sys.path.insert(0, sys.argv[3]); from agents.sandbox.nanny import main; main()"
ROOM_BYTES = 8_192
"""Of the environment, in which each tool's process shows others whose it is: twice the longest path."""

ANSWER_BYTES = 16


@dataclass
class Nanny:
    """A process that runs one tool at a time, and the worker's end of the socket to it."""

    popen: subprocess.Popen[bytes]
    control: socket.socket

    @classmethod
    def start(cls) -> Nanny:
        """Return a new one, in a session of its own."""
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            popen = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-I", "-S", "-c", MAIN, str(its.fileno()), str(os.getpid()), str(ROOT)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(its.fileno(),), cwd="/", env={"M1_ROOM": "." * ROOM_BYTES}, start_new_session=True,
            )  # fmt: skip
        return cls(popen, ours)

    def takes(self, directory: str, descriptors: Sequence[int]) -> bool:
        """Hand over a tool's directory, its order and its two pipes; False if the nanny is gone and has not begun."""
        try:
            socket.send_fds(self.control, [os.fsencode(directory)], list(descriptors))
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def stop_tool(self) -> None:
        """Ask for the tool's end; nothing happens if it has ended."""
        with suppress(OSError):
            self.control.send(b"stop")

    def status(self, seconds: float) -> int | None:
        """Wait so long for the end of the tool and of all below it; None if the nanny does not answer, or is gone."""
        if not select.select([self.control], [], [], seconds)[0]:
            return None
        try:
            return int(self.control.recv(ANSWER_BYTES))
        except (OSError, ValueError):
            return None

    def end(self) -> None:
        """Kill it; a tool below it dies with it, but what that had started may not."""
        self.popen.kill()
        self.popen.wait()
        self.control.close()


_idle: list[Nanny] = []
os.register_at_fork(after_in_child=_idle.clear)  # they are the parent's


def engaged(directory: str, descriptors: Sequence[int]) -> Nanny:
    """Return a nanny that has taken over the tool."""
    while _idle:
        nanny = _idle.pop()
        if nanny.takes(directory, descriptors):
            return nanny
        nanny.end()
    nanny = Nanny.start()
    if not nanny.takes(directory, descriptors):
        nanny.end()
        raise OSError("a process for tools could not be started")
    return nanny


def free(nanny: Nanny) -> None:
    """Keep a nanny that has answered for its tool for the next one."""
    _idle.append(nanny)
