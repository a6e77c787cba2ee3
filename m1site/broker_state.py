"""How the message broker is: whether it answers, what waits there, and how it is set up."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from m1site import broker_setting
from m1site.broker_setting import ENCRYPTED, REDIS
from m1site.celery import app

QUEUES = ("planner", "executor", "housekeeping", "notifications")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class State:
    """What was found.

    status     ok, failed or disabled (none is named)
    waiting    messages that no worker has taken, by queue
    warnings   what could lose messages or let others in, in words
    """

    status: str
    kind: str = ""
    waiting: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def look() -> State:
    """Ask the broker, for about two seconds at most."""
    url = settings.M1_BROKER_URL
    if not url:
        return State("disabled")
    state = State("ok", broker_setting.kind(url), warnings=_warnings(url))
    try:
        with app.connection_for_write(url) as connection:
            connection.ensure_connection(max_retries=0, timeout=broker_setting.PUBLISH_SECONDS)
            state.waiting = {queue: _waiting(connection, queue) for queue in QUEUES}
            if state.kind == REDIS:
                state.warnings += _redis_warnings(connection)
    except Exception as exc:  # transports raise many kinds
        state.status = "failed"
        state.warnings.append(f"it does not answer: {type(exc).__name__}")
    return state


def _warnings(url: str) -> list[str]:
    found = []
    for number, address in enumerate(map(urlsplit, url.split(";")), start=1):
        if not address.password:
            found.append(f"address {number} has no password: whoever reaches the broker can throw messages away")
        if address.scheme not in ENCRYPTED and address.hostname not in LOOPBACK:
            found.append(f"address {number} is not encrypted; use rediss:// or amqps:// outside a private network")
    return found


def _waiting(connection: Any, queue: str) -> int:
    try:
        with connection.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)
    except connection.channel_errors:  # nobody has sent anything there yet
        return 0


def _redis_warnings(connection: Any) -> list[str]:
    memory = connection.default_channel.client.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if memory.get("maxmemory") and policy != "noeviction":
        return [f"it throws messages away when it is full (maxmemory-policy {policy}); set noeviction"]
    return []
