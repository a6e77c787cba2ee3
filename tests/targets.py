"""Servers outside M1 that notifications go to: one speaks HTTP, one SMTP; each does as the test wants."""

import json
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings

from agents.notifications import targets
from m1site import notify_setting

PATIENCE_SECONDS = 30


class HttpTarget:
    """Keeps what it is told; answers with `status`, once nothing holds it back.

    paths   of each request, the address's secret among them
    """

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        self.came, self.open = threading.Semaphore(0), threading.Event()
        self.open.set()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _http_handler(self))
        self.http.daemon_threads = True

    @property
    def place(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.http.server_port}"

    def wait(self) -> None:
        """Come back when one more message has come."""
        assert self.came.acquire(timeout=PATIENCE_SECONDS), "nobody told it anything"


def _http_handler(target: HttpTarget) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            target.paths.append(self.path)
            target.told.append(json.loads(body))
            target.came.release()
            target.open.wait(PATIENCE_SECONDS)
            self.send_response(target.status)
            self.end_headers()
            self.wfile.write(b"/hooks/secret-path is refused, hunter2")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


class SmtpTarget(socketserver.ThreadingTCPServer):
    """Takes mail, as much of SMTP as that needs.

    refused   a recipient whom it does not know
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mail: list[str] = []
        self.refused = b"nobody"

    @property
    def url(self) -> str:
        """How Apprise names it."""
        host, port = self.server_address[:2]
        return f"mailto://{host!s}:{port}?smtp={host!s}&from=m1@example.com&to=ava@example.com,sam@example.com"


class _Smtp(socketserver.StreamRequestHandler):
    server: SmtpTarget

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            verb = line[:4].strip().upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.mail.append("".join(self._lines()))
            is_refused = verb == b"RCPT" and self.server.refused in line
            answer = b"221 bye" if verb == b"QUIT" else b"550 unknown" if is_refused else b"250 ok"
            self.wfile.write(answer + b"\r\n")
            if verb == b"QUIT":
                return

    def _lines(self) -> Iterator[str]:
        for line in self.rfile:
            if line == b".\r\n":
                return
            yield line.decode().replace("\r\n", "\n")


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Let a server serve until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tell(urls: Sequence[str]) -> None:
    """Set M1_NOTIFY_URLS, and begin as the worker does."""
    settings.M1_NOTIFY_ADDRESSES = notify_setting.parse("\n".join(urls))
    targets.sync(settings.M1_NOTIFY_ADDRESSES, actor="system:housekeeping")
