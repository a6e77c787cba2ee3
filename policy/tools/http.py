"""HTTP: one request to a host that `M1_HTTP_HOSTS` lists; no redirect, proxy, cookie or compression is followed."""

from __future__ import annotations

import base64
import os
import re
from typing import Annotated, Literal

from policy.declare import Answer, Length, Preview, tool
from policy.tools import texts
from policy.tools.http_address import MAX_URL, Origin, networks, parse, reachable
from policy.tools.http_connection import Deadline, Received, connect, exchange
from policy.tools.http_message import Message, message

DEADLINE_SECONDS = 40.0
MAX_BODY_BYTES = 100_000
"""Of the answer; as text or base64 it stays below what the sandbox lets through."""
MAX_HEADER_CHARACTERS = 1_000
SHOWN_HEADERS = (
    "allow", "content-encoding", "content-length", "content-type", "etag", "last-modified", "link", "location",
    "retry-after", "x-request-id",
)  # fmt: skip
NONE: dict[str, str] = {}
_UNPRINTABLE = re.compile(r"[^ -~]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")

Method = Annotated[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], "The HTTP method"]
Url = Annotated[str, "The address: https://host/path?query, percent-encoded", Length(1, MAX_URL)]
Value = Annotated[str, "One line in plain ASCII", Length(0, 2_000)]
Headers = Annotated[
    dict[str, Value], "Headers by name, such as Content-Type; credentials are not yours to set", Length(0, 20)
]
Body = Annotated[str, "The body, as text; none for GET and HEAD", Length(0, 50_000)]


def preview_request(method: Method, url: Url, headers: Headers = NONE, body: Body = "") -> Answer:
    """Return the request line by line; nothing is looked up or sent for it."""
    origin, wanted = _request(method, url, headers, body)
    networks(origin, os.environ.get("M1_HTTP_HOSTS", ""))
    how = "over TLS" if origin.scheme == "https" else "without encryption"
    summary = f"One {method} to {origin.host}, port {origin.port}, {how}; body: {texts.facts(wanted.body)}"
    return Preview("message", summary, wanted.shown()).as_answer()


@tool(
    "http.request", headline="{method} {url}", risk="high", external=True, timeout_seconds=60,
    environment=("M1_HTTP_HOSTS", "M1_HTTP_HEADERS", "SSL_CERT_FILE", "SSL_CERT_DIR"), preview=preview_request,
)  # fmt: skip
def request(method: Method, url: Url, headers: Headers = NONE, body: Body = "") -> Answer:
    """Send one HTTP request to a host that the operator has listed, and return the answer.

    Redirects are not followed: they are answers, with `location`. A body is cut at 100,000 bytes.
    """
    origin, wanted = _request(method, url, headers, body)
    deadline = Deadline(DEADLINE_SECONDS)
    addresses = reachable(origin, networks(origin, os.environ.get("M1_HTTP_HOSTS", "")))
    with connect(origin, addresses, deadline) as connection:
        received = exchange(connection, method, wanted.as_bytes(), MAX_BODY_BYTES, deadline)
    return _answer(received, wanted.secrets())


def _request(method: str, url: str, headers: dict[str, str], body: str) -> tuple[Origin, Message]:
    origin, target = parse(url)
    return origin, message(method, origin, target, headers, body)


def _answer(received: Received, secrets: list[bytes]) -> Answer:
    """Return the answer as the agent and people see it; size and digest are of the body's bytes as they came."""
    data = received.body or b""
    kept, is_cut = data[:MAX_BODY_BYTES], len(data) > MAX_BODY_BYTES or received.body is None
    encoding, body = _shown(_withheld(kept, secrets), is_cut)
    return {
        "status": received.status,
        "headers": {name: _line(received.headers[name], secrets) for name in SHOWN_HEADERS if name in received.headers},
        "body": body,
        "encoding": "refused" if received.body is None else encoding,
        "bytes": len(kept),
        "sha256": texts.sha256(kept),
        "truncated": is_cut,
    }


def _shown(data: bytes, is_cut: bool) -> tuple[str, str]:
    """Return how the body is given, and the body: text that is UTF-8 and grows little as JSON, else base64."""
    if texts.is_text(data, whole=not is_cut) and not _CONTROL.search(data):
        return "text", data.decode("utf-8", "ignore")
    return "base64", base64.b64encode(data).decode()


def _line(value: str, secrets: list[bytes]) -> str:
    text = _withheld(value.encode("utf-8", "replace"), secrets).decode("utf-8", "replace")
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)[:MAX_HEADER_CHARACTERS]


def _withheld(data: bytes, secrets: list[bytes]) -> bytes:
    """Return the bytes without the operator's secrets: a server may echo what it got."""
    for secret in secrets:
        data = data.replace(secret, b"[withheld]")
    return data
