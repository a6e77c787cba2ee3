"""The worker's end of a tool's process: begin it with nothing but its order, read what it says, stop it for good."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory

from agents.sandbox import nannies
from agents.sandbox.host import end_marked, hide_memory
from agents.sandbox.nannies import Nanny

GRACE_SECONDS = 5
"""How long the nanny has to kill everything; then it is killed itself."""

CHUNK_BYTES = 65_536
logger = logging.getLogger(__name__)


@dataclass
class Stream:
    """One pipe from the child: its first and its last bytes, the size of all that came and its digest.

    limit  more than this many bytes is too much
    """

    fd: int
    limit: int
    first: int = 0
    last: int = 0
    size: int = 0
    head: bytearray = field(default_factory=bytearray)
    tail: bytes = b""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def read(self) -> bool:
        """Take what is there now; tell whether there was anything."""
        try:
            chunk = os.read(self.fd, CHUNK_BYTES)
        except BlockingIOError:
            return False
        self.size += len(chunk)
        self.digest.update(chunk)
        self.head += chunk[: max(0, self.first - len(self.head))]
        self.tail = (self.tail + chunk)[-self.last :] if self.last else b""
        return bool(chunk)

    @property
    def is_over(self) -> bool:
        """Whether more came than may."""
        return self.size > self.limit


@dataclass
class Child:
    """A running tool: its answer, what it prints, and a descriptor that is readable once it has ended."""

    nanny: Nanny
    answer: Stream
    noise: Stream
    directory: str
    status: int | None = None
    is_dead: bool = True

    @property
    def ended(self) -> int:
        """The descriptor on which the nanny tells of the end."""
        return self.nanny.control.fileno()

    def stop(self) -> int:
        """Kill it and all below it, and return how it ended: below 0 if nobody can say.

        `is_dead` tells then whether all are dead for certain.
        """
        if self.status is None:
            self.status = self.nanny.status(0)
            if self.status is None:
                self.nanny.stop_tool()
                self.status = self.nanny.status(GRACE_SECONDS)
            self.status = self._without_nanny() if self.status is None else self._with_nanny(self.status)
        return self.status

    def _with_nanny(self, status: int) -> int:
        nannies.free(self.nanny)
        return status

    def _without_nanny(self) -> int:
        """End what a nanny left behind that was killed or held up, by a tool perhaps."""
        self.nanny.end()
        mark = f"TMPDIR={self.directory}"
        self.is_dead = end_marked(mark.encode(), GRACE_SECONDS)
        if not self.is_dead:
            logger.error("a tool could not be killed; its processes have %s in their environment", mark)
        return -signal.SIGKILL


@contextmanager
def started(order: bytes, answer: Stream, noise: Stream) -> Iterator[Child]:
    """Begin a tool in an empty directory of its own, with this order; leave neither behind.

    The streams come without a pipe and get one here.
    """
    hide_memory()
    with ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="m1-tool-", ignore_cleanup_errors=True))
        with ExitStack() as handed_over:
            descriptors = [_file(order, handed_over), _pipe(answer, stack, handed_over)]
            descriptors.append(_pipe(noise, stack, handed_over))
            child = Child(nannies.engaged(directory, descriptors), answer, noise, directory)
            stack.callback(child.stop)
        yield child


def _pipe(stream: Stream, stack: ExitStack, handed_over: ExitStack) -> int:
    """Give the stream the reading end of a pipe; return the writing end, for the child alone."""
    stream.fd, writing = os.pipe()
    stack.callback(os.close, stream.fd)
    handed_over.callback(os.close, writing)
    os.set_blocking(stream.fd, False)
    return writing


def _file(data: bytes, handed_over: ExitStack) -> int:
    """Return a file that is in memory only: arguments may be secret, and a pipe that nobody reads would block."""
    fd = os.memfd_create("order")
    handed_over.callback(os.close, fd)
    with os.fdopen(os.dup(fd), "wb") as file:
        file.write(data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
