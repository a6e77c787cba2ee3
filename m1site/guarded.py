"""Workers that live through whatever somebody puts into their queues.

Celery as it comes ends the whole worker for an item that is no message, and does what a message says in its headers:
other time limits, other dates, further tasks. Here a message is a task's name and one text at most; no more.
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from celery.worker.consumer import Consumer
from kombu.transport import redis, virtual
from redis.exceptions import DataError

MAX_BYTES, MAX_TEXT = 2_000, 100
KEPT = ("task", "id", "lang")
"""The headers that count; without the others each task runs as it is declared."""
ODD = (ValueError, TypeError, AttributeError, ArithmeticError, LookupError, RecursionError, DataError)
"""What reading nonsense raises. None of them is how a connection breaks."""
UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, RecursionError)
"""The same, where the text has yet to be read from the connection."""
logger = logging.getLogger(__name__)


class GuardedConsumer(Consumer):
    """Hands on what M1 sends and nothing else."""

    class Blueprint(Consumer.Blueprint):
        """Celery's steps, but the one that makes 28 queues for delayed messages: M1 sends none."""

        default_steps: ClassVar = [step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step]

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Return what is called with each message."""
        handle = super().create_task_handler(*args, **kwargs)

        def guarded(message: Any) -> None:
            try:
                message.headers = plain_headers(message.headers, message.content_type, message.body)
                handle(message)
            except ODD as exc:
                _thrown_away(exc)
                message.reject_log_error(logger, self.connection_errors)

        return guarded


def plain_headers(headers: Mapping[str, Any], content_type: object, body: bytes) -> dict[str, str]:
    """Return the headers that count of a message that M1 may have sent. Raises ValueError and others for any other."""
    if content_type != "application/json" or len(body) > MAX_BYTES:
        raise ValueError("not a small message in JSON")
    texts, named, further = json.loads(body)
    if named or any(further.values()) or len(texts) > 1 or not all(map(_is_short, texts)):
        raise ValueError("more than a name and a text")
    kept = {name: headers[name] for name in KEPT if headers.get(name)}
    if not {"task", "id"} <= kept.keys() or not all(map(_is_short, kept.values())):
        raise ValueError("without a name, or with another type")
    return kept


class GuardedQoS(redis.QoS):
    """Throws away what lies among the unanswered messages and is none: it would end every worker, for ever.

    It also keeps no place for a message whose answer Redis did not hear: a worker whose places are all kept asks for no
    further message, so it would never find out that the connection has gone, and stay deaf for ever.
    """

    def ack(self, delivery_tag: Any) -> None:
        """Answer a message; its place is free again, whether or not Redis has heard."""
        try:
            self._remove_from_indices(delivery_tag).execute()  # type: ignore[no-untyped-call]
        finally:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Put an unanswered message back into its queue."""
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
        except ODD as exc:
            _thrown_away(exc)
            self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call]


class GuardedChannel(redis.Channel):
    """Goes on to the next item of a queue when one is not JSON."""

    QoS = GuardedQoS

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except UNREADABLE as exc:  # the item has left the queue
            _thrown_away(exc)
            return True


class GuardedTransport(redis.Transport):
    """Redis, where JSON that is no message harms nobody."""

    Channel = GuardedChannel

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            if "compression" in message["headers"]:  # unpacked before anybody looks: a kilobyte can be a gigabyte
                raise ValueError("compressed")
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        except ODD as exc:
            _thrown_away(exc)


def _is_short(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _thrown_away(exc: Exception) -> None:
    logger.warning("something that is no message of M1 was thrown away: %s", type(exc).__name__)
