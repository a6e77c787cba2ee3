"""The worker's end of a tool's process: start it with nothing but its order, read what it says, stop it for good."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.sandbox_host import end_marked, hide_memory

CHILD = Path(__file__).with_name("sandbox_child.py")
GRACE_SECONDS = 5
"""How long the nanny has to kill everything; then it is killed itself."""

CHUNK_BYTES = 65_536


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
    """A running nanny: the answer of its tool, what it prints, and a descriptor that is readable once it has ended."""

    popen: subprocess.Popen[bytes]
    answer: Stream
    noise: Stream
    directory: str
    ended: int = -1

    def stop(self) -> int:
        """Make sure that it and all below it are dead, and return how it ended."""
        if self.popen.poll() is None:
            self.popen.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(GRACE_SECONDS)
            self.popen.kill()  # which does nothing to a process that has been waited for
        status = self.popen.wait()
        if status < 0:  # killed, by a tool perhaps, before it could kill
            end_marked(f"TMPDIR={self.directory}".encode(), GRACE_SECONDS)
        return status


@contextmanager
def started(order: bytes, environment: Mapping[str, str], answer: Stream, noise: Stream) -> Iterator[Child]:
    """Start a nanny in an empty directory of its own, with this order and environment; leave neither behind.

    The streams come without a pipe and get one here.
    """
    hide_memory()
    with ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="m1-tool-", ignore_cleanup_errors=True))
        with ExitStack() as handed_over:
            popen = _popen(directory, environment, _file(order, handed_over),
                           _pipe(answer, stack, handed_over), _pipe(noise, stack, handed_over))  # fmt: skip
        child = Child(popen, answer, noise, directory)
        stack.callback(child.stop)
        child.ended = os.pidfd_open(popen.pid)
        stack.callback(os.close, child.ended)
        yield child


def _popen(
    directory: str, environment: Mapping[str, str], stdin: int, answer: int, noise: int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-I", "-S", str(CHILD), str(answer), str(os.getpid()), directory],
        stdin=stdin, stdout=noise, stderr=noise, pass_fds=(answer,), cwd=directory,
        env={**environment, "TMPDIR": directory}, start_new_session=True,
    )  # fmt: skip


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
