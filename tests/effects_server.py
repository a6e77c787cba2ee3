"""A server outside M1 that counts what the tool `effects.count` does, and can keep the tool waiting in the middle."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

HELD_SECONDS = 120
ALL = "*"


class EffectsServer:
    """Counts one effect per request, by the request id of the call; answers once nothing holds it back."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._held: set[str] = set()
        self._changed = threading.Condition()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """Where effects are told of."""
        return f"http://127.0.0.1:{self._http.server_port}/"

    def hold(self, request_id: str = ALL) -> None:
        """Let no tool, or not the one of this call, go on past its effect, until `release`."""
        with self._changed:
            self._held.add(request_id)

    def release(self) -> None:
        """Let all go on."""
        with self._changed:
            self._held.clear()
            self._changed.notify_all()

    def count(self, request_id: str) -> None:
        """Count an effect, and come back when nothing holds it."""
        with self._changed:
            self.counts[request_id] += 1
            self._changed.wait_for(lambda: not self._held & {ALL, request_id}, HELD_SECONDS)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _handler(server: EffectsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            server.count(self.headers["X-M1-Request-Id"])
            self.send_response(204)
            self.end_headers()

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:  # the tool was killed while it waited
                return

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output quiet; the counts are on record."""

    return Handler
