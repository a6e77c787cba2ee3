"""A loopback server that speaks the Messages API and refuses what the API would refuse.

    with ClaudeServer([message(tool_use("toolu_1", "files__read", {...})), message(text("Done."))]) as server:
        planner = ClaudePlanner(api_key=KEY, base_url=server.url, timeout=5, max_retries=2)

The script is a list of answers, given in turn, or a function from the request to an answer. Every request is kept.
"""

import contextlib
import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.claude_rules import Json, broken_binding, broken_rule, key

KEY = "sk-ant-loopback-0123456789"


@dataclass(frozen=True)
class Answer:
    """What goes back on the wire.

    headers   beside the usual ones; a name with "" is not sent at all
    cut       bytes of the body after which the connection is closed; None sends everything, -1 not even the head
    reset     the connection is broken off, not closed
    gate      waited for before the first byte, for slow answers
    stall     waited for after the bytes before the cut; the rest follows then
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    reset: bool = False
    gate: threading.Event | None = None
    stall: threading.Event | None = None


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names in small letters."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The body, parsed."""
        return parsed(self.body)


def parsed(body: bytes) -> Json:
    """Return a body as JSON; numbers too long for Python stay texts."""
    found: Json = json.loads(body, parse_int=lambda digits: int(digits) if len(digits) < 4_000 else digits)
    return found


Script = Iterable[Answer] | Callable[[Json], Answer]


def text(words: str) -> Json:
    """Return a text block."""
    return {"type": "text", "text": words}


def thinking(words: str, signature: str) -> Json:
    """Return a thinking block, which must come back unchanged."""
    return {"type": "thinking", "thinking": words, "signature": signature}


def tool_use(use_id: str, name: str, arguments: Any) -> Json:
    """Return a tool_use block."""
    return {"type": "tool_use", "id": use_id, "name": name, "input": arguments}


def message(*blocks: Json, stop_reason: str | None = None, **fields: Any) -> Answer:
    """Return a reply; it stops for its tool calls if it has any, else it ends the turn."""
    asks = any(block.get("type") == "tool_use" for block in blocks)
    body = {
        "id": "msg_loopback",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": list(blocks),
        "stop_reason": stop_reason or ("tool_use" if asks else "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 20},
    }
    return Answer(200, json.dumps(body | fields).encode())


def error(status: int, kind: str, words: str, **headers: str) -> Answer:
    """Return an error as the API words it; `retry_after="1"` becomes the header retry-after."""
    body = {"type": "error", "error": {"type": kind, "message": words, "details": None}, "request_id": "req_in_body"}
    return Answer(status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


def overloaded() -> Answer:
    """Return the 529 of a busy day; it asks for a wait that tests can afford."""
    return error(529, "overloaded_error", "Overloaded", retry_after_ms="1")


def rate_limited(retry_after: str = "0.001") -> Answer:
    """Return a 429 that says how many seconds to wait."""
    return error(429, "rate_limit_error", "This request would exceed your rate limit.", retry_after=retry_after)


class ClaudeServer:
    """The server, on a port of its own, until the `with` block ends. It refuses with 400 and goes on."""

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self._next = script if callable(script) else _one_by_one(script)
        self._issued: dict[str, Json] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """The base URL to give to a client; the client adds /v1/messages."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, path: str, request: Request) -> tuple[Answer, str]:
        """Return the answer to a request, with its request id; remembers what it issued."""
        with self._lock:
            self.requests.append(request)
            request_id = f"req_{next(self._numbers):04d}"
            answer = _refusal(path, request.headers) or self._judge(request)
            self._remember(request, answer)
            return answer, request_id

    def _judge(self, request: Request) -> Answer:
        broken = broken_rule(request.json) or broken_binding(request.json, self._issued)
        return error(400, "invalid_request_error", broken) if broken else self._next(request.json)

    def _remember(self, request: Request, answer: Answer) -> None:
        if answer.status != 200:
            return
        with contextlib.suppress(
            ValueError, KeyError, TypeError, RecursionError
        ):  # garbage, which nobody can send back
            self._issued[key(parsed(answer.body)["content"])] = request.json


def _one_by_one(script: Iterable[Answer]) -> Callable[[Json], Answer]:
    answers = iter(script)
    empty = error(500, "api_error", "The script of the test has no further answer.", x_should_retry="false")
    return lambda request: next(answers, empty)


def _refusal(path: str, headers: dict[str, str]) -> Answer | None:
    """Return the answer to a request that does not get as far as its body."""
    if path.partition("?")[0] != "/v1/messages":
        return error(404, "not_found_error", "Not found")
    if headers.get("authorization") != f"Bearer {KEY}":
        return error(401, "authentication_error", f"invalid bearer token {headers.get('authorization')}")
    if "anthropic-version" not in headers:
        return error(400, "invalid_request_error", "anthropic-version: header is required")
    if headers.get("content-type") != "application/json":
        return error(400, "invalid_request_error", "content-type: must be application/json")
    return None


def _handler(server: ClaudeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = Request({name.lower(): value for name, value in self.headers.items()}, body)
            answer, request_id = server.answer(self.path, request)
            if answer.gate is not None:
                answer.gate.wait()
            with contextlib.suppress(ConnectionError):  # a client that had no patience
                self._send(answer, request_id)

        def _send(self, answer: Answer, request_id: str) -> None:
            self.close_connection = answer.cut is not None
            if answer.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if answer.cut != -1:
                self._send_head(answer, request_id)
                self.wfile.write(answer.body[: answer.cut])
            if answer.stall is not None:
                answer.stall.wait()
                self.wfile.write(answer.body[answer.cut :])

        def _send_head(self, answer: Answer, request_id: str) -> None:
            self.send_response_only(answer.status)
            usual = {"content-type": "application/json", "request-id": request_id}
            headers = usual | {"content-length": str(len(answer.body))} | answer.headers
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output quiet; the requests are on record."""

    return Handler
