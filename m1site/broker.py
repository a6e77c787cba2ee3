"""Celery's way to the broker, so that one which is away, hangs or refuses costs nobody more than a moment."""

import time
from typing import Any

from celery import Celery
from django.conf import settings
from kombu.connection import Connection
from kombu.exceptions import OperationalError

from m1site import broker_setting
from m1site.broker_setting import PUBLISH_SECONDS

SLOW_SECONDS = 0.5
PAUSE_SECONDS = 5.0


class App(Celery):
    """Celery that sends within about a second or not at all, and sees whether the broker took the message.

    A broker that let somebody wait in vain is left alone for a few seconds, so that the next clicks do not wait.
    """

    _pause_until = 0.0

    def connection_for_write(self, url: str | None = None, **options: Any) -> Connection:
        """Return a connection that is given up soon."""
        given = {**broker_setting.publishing(settings.M1_BROKER_URL), **(options.pop("transport_options", None) or {})}
        connection: Connection = super().connection_for_write(url, transport_options=given, **options)
        return connection

    def send_task(self, *arguments: Any, **options: Any) -> Any:
        """Send a message. Raises OperationalError, whatever it was that stopped it."""
        began = time.monotonic()
        if began < self._pause_until:
            raise OperationalError("the broker did not answer a moment ago")
        try:
            return self._send_soon(began, *arguments, **options)
        except Exception as exc:  # transports raise many kinds; the caller's work is committed, and waits for none
            if time.monotonic() - began > SLOW_SECONDS:
                self._pause_until = time.monotonic() + PAUSE_SECONDS
            raise OperationalError(f"the broker did not take it: {type(exc).__name__}") from exc

    def _send_soon(self, began: float, *arguments: Any, **options: Any) -> Any:
        try:
            return self._send(*arguments, **options)
        except Exception:
            if time.monotonic() - began > SLOW_SECONDS:
                raise
        return self._send(*arguments, **options)  # the first may have gone into a connection of before a restart

    def _send(self, *arguments: Any, **options: Any) -> Any:
        once = {"timeout": PUBLISH_SECONDS, "confirm_timeout": PUBLISH_SECONDS, "mandatory": True, "retry": False}
        with self.producer_or_acquire(options.pop("producer", None)) as producer:
            try:
                return super().send_task(*arguments, **{**once, **options, "producer": producer})
            except Exception as exc:
                failure = exc
                producer.connection.collect()  # the pool would take leave of a broker that hangs, and wait for ever
        raise failure
