"""Celery's beat on a steady clock: a host's time may jump by minutes, and the sweeps go on at their intervals."""

import logging
import time
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from kombu.exceptions import KombuError

ROUNDS_WAITING = 2
LONGEST_SECONDS = 1.0
logger = logging.getLogger(__name__)


class SteadyScheduler(Scheduler):
    """Sends each entry of the schedule once in every interval of this process's monotonic clock; it keeps no file.

    Nothing is sent while two rounds wait for a worker already. (A message that lapses by the clock would not do: a
    worker whose clock is ahead would throw away every one.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._due: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Read the schedule from the settings."""
        self.merge_inplace(self.app.conf.beat_schedule)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, and return how many seconds to wait for the next."""
        now = time.monotonic()
        due = [entry for entry in self.schedule.values() if self._due.get(entry.name, now) <= now]
        self._due |= {entry.name: now + entry.schedule.run_every.total_seconds() for entry in due}
        if due:
            self._send(due)
        return max(0.0, min([*self._due.values(), now + LONGEST_SECONDS]) - time.monotonic())

    def _send(self, entries: list[ScheduleEntry]) -> None:
        """Send them by a connection of their own: after a broker's restart an old one would fail for good."""
        connection = self.app.connection_for_write()
        try:
            with connection:
                if self._waiting(connection) >= ROUNDS_WAITING * len(self.schedule):
                    return
                producer = self.app.amqp.Producer(connection, auto_declare=False)
                for entry in entries:
                    self.app.send_task(entry.task, producer=producer, **entry.options)
        except (KombuError, OSError, *connection.connection_errors) as exc:
            logger.warning("broker away, no sweep was sent: %s", type(exc).__name__)

    def _waiting(self, connection: Any) -> int:
        """Return how many messages nobody has taken yet; there is no queue before the first is sent."""
        try:
            queue = connection.channel().queue_declare(self.app.conf.task_default_queue, passive=True)
        except connection.channel_errors:
            return 0
        return int(queue.message_count)
