"""One connection for one request: to an address that was checked, for the name that was asked, within one deadline."""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import ExitStack
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple

from policy.declare import ToolError
from policy.tools.http_address import Origin, Reached

CONNECT_SECONDS = 10.0
MAX_TRIED = 4
"""Addresses of one host; until one of them takes the connection, nothing has been sent."""
MAX_ANSWER_BYTES = 2_097_152
"""On the wire, headers and the sizes of chunks included."""


class AnswerBroken(Exception):
    """The request went out, wholly or in part, and no whole answer came back: what it did is not known."""


class NoAnswerInTime(Exception):
    """The request went out, and the deadline came before the whole answer: what it did is not known."""


class Deadline:
    """One moment for the whole of a request, however slowly its bytes come."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left; raises TimeoutError when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Received(NamedTuple):
    """An answer as it came; `body` has at most one byte more than was asked for, None where it came encoded."""

    status: int
    headers: dict[str, str]
    body: bytes | None


class _Wire(io.RawIOBase):
    """The connection as http.client reads it: every step gets what is left of the time."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self._deadline, self._left = connection, deadline, MAX_ANSWER_BYTES

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return what http.client asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Say so."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what comes next."""
        self._connection.settimeout(self._deadline.left())
        size = self._connection.recv_into(buffer)
        self._left -= size
        if self._left < 0:
            raise AnswerBroken
        return size

    def send(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            self._connection.settimeout(self._deadline.left())
            rest = rest[self._connection.send(rest) :]


def connect(origin: Origin, addresses: Sequence[Reached], deadline: Deadline) -> socket.socket:
    """Return a connection to the first of the addresses that takes one; with https its certificate is the host's.

    Raises ToolError: nothing has been sent.
    """
    why: OSError = ConnectionError()
    for family, address in addresses[:MAX_TRIED]:
        try:
            return _opened(family, address, origin, deadline)
        except OSError as exc:
            why = exc
    reason = getattr(why, "verify_message", type(why).__name__)
    raise ToolError(f"{origin.authority} cannot be reached ({reason}); nothing was sent.")


def _opened(family: int, address: Any, origin: Origin, deadline: Deadline) -> socket.socket:
    with ExitStack() as stack:
        connection = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        connection.settimeout(min(CONNECT_SECONDS, deadline.left()))
        connection.connect(address)
        if origin.scheme == "https":
            connection = _encrypted(connection, origin.host)
        stack.pop_all()
        return connection


def _encrypted(connection: socket.socket, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(connection, server_hostname=host)


def exchange(connection: socket.socket, method: str, data: bytes, limit: int, deadline: Deadline) -> Received:
    """Send the request and return the answer; raises AnswerBroken, NoAnswerInTime: neither says that nothing happened.

    limit  bytes of the body that are wanted; what is beyond is not read, but for one byte
    """
    try:
        wire = _Wire(connection, deadline)
        wire.send(data)
        return _received(HTTPResponse(wire, method=method), limit)  # type: ignore[arg-type]
    except TimeoutError:
        raise NoAnswerInTime from None
    except (OSError, HTTPException, ValueError):
        raise AnswerBroken from None


def _received(response: HTTPResponse, limit: int) -> Received:
    response.begin()
    headers = {name.lower(): ", ".join(response.headers.get_all(name, ())) for name in set(response.headers)}
    if response.length != 0 and _is_encoded(headers):
        return Received(response.status, headers, None)
    body = response.read(limit + 1)
    if response.length and len(body) <= limit:
        raise AnswerBroken  # http.client takes the end of the connection for the end of the body
    return Received(response.status, headers, body)


def _is_encoded(headers: dict[str, str]) -> bool:
    transfer = headers.get("transfer-encoding", "chunked").lower()
    return headers.get("content-encoding", "identity").lower() != "identity" or transfer != "chunked"
