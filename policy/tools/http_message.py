"""The request as it goes out, line by line: what the agent gave, what M1 sets, what the operator adds."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from policy.declare import ToolError
from policy.tools.http_address import Origin, listed_origin

SETTING = "M1_HTTP_HEADERS"
SECRET_CHARACTERS = 16
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?")
"""Without `_`: many a server takes it for `-`, and `Content_Length` for what it looks like."""
_VALUE = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")
_KEY = re.compile(r"[0-9a-f-]{36}")
_FRAMING = frozenset(
    "accept-encoding connection content-length expect host keep-alive te trailer transfer-encoding upgrade".split()
)
_OPERATORS_OWN = frozenset("authorization cookie cookie2 forwarded idempotency-key x-real-ip".split())
_REWRITES = ("proxy-", "sec-", "x-forwarded-", "x-http-method", "x-method", "x-original-", "x-rewrite-")
"""Beginnings of names by which a server may take another method, address or sender than people approved."""


class Line(NamedTuple):
    """One header; the value of a secret one is sent and never shown."""

    name: str
    value: str
    is_secret: bool = False


class Message(NamedTuple):
    """A request: its first line, its headers in their order, its body."""

    first: str
    headers: list[Line]
    body: bytes

    def as_bytes(self) -> bytes:
        """Return what is sent."""
        lines = [self.first, *(f"{line.name}: {line.value}" for line in self.headers)]
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii") + self.body

    def shown(self) -> str:
        """Return what is sent, as people may read it."""
        values = ((line.name, "(set by the operator)" if line.is_secret else line.value) for line in self.headers)
        lines = [self.first, *(f"{name}: {value}" for name, value in values)]
        return "\n".join(lines) + "\n\n" + self.body.decode()

    def secrets(self) -> list[bytes]:
        """Return the texts that no answer may carry back: values of secret headers, and what follows `Bearer`.

        Short ones stand in many an honest answer, and no secret is so short.
        """
        values = [line.value for line in self.headers if line.is_secret]
        texts = [text for value in values for text in (value, value.rpartition(" ")[2])]
        return [text.encode() for text in texts if len(text) >= SECRET_CHARACTERS]


def message(method: str, origin: Origin, target: str, headers: Mapping[str, str], body: str) -> Message:
    """Return the request; raises ToolError for a header that an agent may not set, or that is none."""
    data = body.encode()
    if data and method in ("GET", "HEAD"):
        raise ToolError(f"A {method} request has no body.")
    secret = {name.lower(): Line(name, value, True) for name, value in _of_the_operator(origin)}
    given = {name.lower(): Line(name, value) for name, value in headers.items()}
    _check_given(headers, given, secret)
    lines = {name.lower(): Line(name, value) for name, value in _of_m1(method, origin, data)}
    return Message(f"{method} {target} HTTP/1.1", list((lines | given | secret).values()), data)


def _of_m1(method: str, origin: Origin, data: bytes) -> Iterator[tuple[str, str]]:
    yield "Host", origin.authority
    yield "User-Agent", "M1"
    yield "Accept", "*/*"
    yield "Accept-Encoding", "identity"  # nothing is unpacked here, so nothing can blow up
    yield "Connection", "close"
    if method not in ("GET", "HEAD"):
        yield "Idempotency-Key", _request_id()
        yield "Content-Length", str(len(data))
    if data:
        yield "Content-Type", "text/plain; charset=utf-8"


def _check_given(headers: Mapping[str, str], given: Mapping[str, Line], secret: Mapping[str, Line]) -> None:
    """Refuse what the agent may not say; by name alone, since a value may be long."""
    for name, line in given.items():
        if name in _FRAMING | _OPERATORS_OWN | set(secret) or name.startswith(_REWRITES):
            raise ToolError(f"The header {name!r} is not for an agent to set.")
        _check(line.name, line.value, "`headers`")
    if len(given) != len(headers):
        raise ToolError("`headers` names the same header twice.")


def _of_the_operator(origin: Origin) -> Iterator[tuple[str, str]]:
    """Yield the headers that the operator keeps for exactly this scheme, host and port."""
    try:
        hosts = json.loads(os.environ.get(SETTING) or "{}")
        found = {listed_origin(where, SETTING): headers.items() for where, headers in hosts.items()}
    except (ValueError, AttributeError):
        raise ToolError(f"{SETTING} is not a JSON object of headers by host; nothing was sent.") from None
    for name, value in found.get(origin, ()):
        _check(name, value, SETTING)
        if name.lower() in _FRAMING:
            raise ToolError(f"{SETTING} sets {name}, which is M1's to set.")
        yield name, value


def _check(name: str, value: object, where: str) -> None:
    if not _NAME.fullmatch(name) or not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise ToolError(f"{where} has a header that is not a name of A-Z, 0-9 and - with a value in plain ASCII.")


def _request_id() -> str:
    """Return the idempotency key: a server that knows it can tell a second attempt."""
    key = os.environ.get("M1_REQUEST_ID", "")
    if not _KEY.fullmatch(key):
        raise ToolError("M1_REQUEST_ID is missing; the request would have no stable identity.")
    return key
