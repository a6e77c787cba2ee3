"""Sends one message to one address, within a time, and says in a few fixed words how that ended."""

import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from apprise import NotifyFormat, NotifyType
from apprise.logger import NotifyLogEntry

from agents.notifications.text import Message
from agents.notifications.urls import Address

SEND_SECONDS = 20
_LEVELS = frozenset({"WARNING", "ERROR", "CRITICAL"})
TOO_SLOW = f"took longer than {SEND_SECONDS} s"
# What services and libraries write about a failure may hold the address: only what is recognised here is repeated.
_CAUSES = (
    (re.compile(r"\berror[=: ]+([1-5]\d\d)\b", re.I), "answered {0}"),
    (re.compile(r"authenticat|credential|\blogin\b|\b535\b", re.I), "refused the name or password"),
    (re.compile(r"certificate|\bssl\b|\btls\b", re.I), "has no certificate that is trusted, or speaks no TLS"),
    (re.compile(r"resol|getaddrinfo|name or service not known|nodename", re.I), "has a name that is not known"),
    (re.compile(r"timed out|timeout", re.I), "did not answer in time"),
    (re.compile(r"refused|unreachable|no route", re.I), "could not be reached"),
    (re.compile(r"reset|closed|aborted|broken pipe|disconnected", re.I), "broke the connection"),
)


class TooSlow(BaseException):
    """Time is over. It is no Exception, so that no service's own handling can swallow it."""


def send(address: Address, message: Message) -> str:
    """Return "" once the service has taken the message, else why not: words of this file, and a number at most.

    In the main thread only: the time is kept by a signal, which ends whatever the service waits for.
    """
    try:
        with _deadline():
            result = address.service_object().notify(
                body=message.body, title=message.title, notify_type=NotifyType.INFO, body_format=NotifyFormat.TEXT,
                interpret_escapes=False, log_level=10,
            )  # fmt: skip
            return "" if result else _cause(result.logs())
    except TooSlow:
        return TOO_SLOW
    except Exception:  # a service of somebody else's: whatever it raises is a message that was not taken
        return "failed in a way that its service does not explain"


def _cause(entries: Iterable[NotifyLogEntry]) -> str:
    """Look where causes are told, and nowhere else: other entries repeat the message, and with it what agents wrote."""
    told = "\n".join(
        one.message for one in entries if one.level in _LEVELS or one.message.startswith("Socket Exception")
    )
    for pattern, words in _CAUSES:
        if found := pattern.search(told):
            return words.format(*found.groups())
    return "did not take the message"


@contextmanager
def _deadline() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _end)
    signal.setitimer(signal.ITIMER_REAL, SEND_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise TooSlow
