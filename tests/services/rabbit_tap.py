"""Everything that is handed to a RabbitMQ server, as its own tracing tells it."""

import threading
from types import TracebackType
from typing import Any, Self

from kombu import Connection, Consumer, Exchange, Queue

TRACE = "amq.rabbitmq.trace"
POLL_SECONDS = 0.2


class RabbitTap:
    """Listens from `with` on: bodies as they are, and headers. The server's tracing must be on."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)
        self._queue = Queue("", Exchange(TRACE, "topic", passive=True), "publish.#", exclusive=True)
        self._heard: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def text(self) -> str:
        """Return what passed by until now."""
        return "\n".join(self._heard)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._connection.release()

    def _listen(self) -> None:
        with Consumer(self._connection, [self._queue], on_message=self._hear, no_ack=True):
            while not self._ended.is_set():
                try:
                    self._connection.drain_events(timeout=POLL_SECONDS)
                except TimeoutError:
                    continue

    def _hear(self, message: Any) -> None:
        body = message.body if isinstance(message.body, str) else bytes(message.body).decode(errors="replace")
        self._heard.append(f"{message.headers} {message.properties} {body}")
