"""The line to a model's server while a turn is asked for: somebody else may cut it, and the waiting is over.

An answer may take minutes, and nobody may want it any more. A thread that waits for a socket hears nothing but the
socket, so whoever knows better shuts that: what follows looks like a connection that was lost, and is not tried again.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import httpx2

from agents.planners.bounds import UnfinishedReplyError

CUT = "the run went on without this planner, so the request was broken off; whether it was answered is not known."
_CONNECTED = ("connect_tcp.complete", "start_tls.complete")  # the second stands in the place of the first


class Line:
    """The connections that one turn has made to the model's server."""

    def __init__(self) -> None:
        self.is_cut = False
        self._streams: list[Any] = []

    def cut(self) -> None:
        """Break off the request that is under way, from any thread, and let no other follow."""
        self.is_cut = True
        for stream in tuple(self._streams):
            with suppress(OSError):  # it is closed already; past SSLSocket's own, which another thread is using
                socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)

    def hear(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of a connection: the HTTP client tells of each of its steps."""
        if event.endswith(_CONNECTED):
            self._streams.append(info["return_value"])
            if self.is_cut:
                self.cut()


_lines: ContextVar[Line | None] = ContextVar("line", default=None)


@contextmanager
def held() -> Iterator[Line]:
    """Have what this thread asks for within the block go over one line, and return that."""
    line = Line()
    token = _lines.set(line)
    try:
        yield line
    finally:
        _lines.reset(token)


def is_cut() -> bool:
    """Tell whether this thread's line was cut."""
    line = _lines.get()
    return line is not None and line.is_cut


def follow(request: httpx2.Request) -> None:
    """Be a request hook of the SDK's HTTP client: this thread's line hears of the connections, and has no second try.

    The SDK takes a line that was cut for a bad connection. Raises UnfinishedReplyError then, which it passes on.
    """
    if is_cut():
        raise UnfinishedReplyError(CUT, retryable=False)
    if line := _lines.get():
        request.extensions["trace"] = line.hear
