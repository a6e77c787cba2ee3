"""The setting that names the message broker, and what its kind needs. No import but of the standard library."""

from typing import Any
from urllib.parse import urlsplit

REDIS, AMQP = "redis", "amqp"
KINDS = {"redis": REDIS, "rediss": REDIS, "amqp": AMQP, "amqps": AMQP}
ENCRYPTED = ("rediss", "amqps")
VISIBILITY_SECONDS = 4 * 3600  # Redis hands out anew what nobody answers for: later than any tool's three tries end
PUBLISH_SECONDS = 1.0  # of a click at most; what was not taken by then is sent again


def parse(text: str) -> str:
    """Return the address, or addresses of one kind with `;` between them. Raises ValueError; it tells no password."""
    addresses = [part.strip() for part in text.split(";")] if text.strip() else []
    found = {KINDS.get(address.partition("://")[0]) for address in addresses}
    if None in found or len(found) > 1 or any(not urlsplit(address).hostname for address in addresses):
        raise ValueError("is no address of a broker; it begins with redis://, rediss://, amqp:// or amqps://")
    return ";".join(addresses)


def kind(url: str) -> str:
    """Return REDIS or AMQP; "" where no broker is named."""
    return KINDS.get(url.partition("://")[0], "")


def options(url: str) -> dict[str, Any]:
    """Return the transport's options for any connection; a publish is tried once, since the outbox sends again."""
    once = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}
    if kind(url) == AMQP:
        return {**once, "confirm_publish": True}
    return {
        **once,
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_throttle": 1,
        "unacked_restore_interval": 5,
        "unacked_mutex_expire": 10,  # a worker that is killed while it looks keeps the others from it no longer
        "socket_connect_timeout": 2,
        "socket_timeout": 5,
        "socket_keepalive": True,
    }


def publishing(url: str) -> dict[str, Any]:
    """Return what is different for a connection that only sends: it is given up sooner.

    RabbitMQ's client waits for some answers, that a channel is open for one, as long as the socket lets it.
    """
    if kind(url) == AMQP:
        return dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), PUBLISH_SECONDS)
    return {"socket_connect_timeout": PUBLISH_SECONDS, "socket_timeout": PUBLISH_SECONDS}


def queue_type(url: str) -> str:
    """Return the type of RabbitMQ's queues: replicated wherever there are several nodes."""
    return "quorum" if kind(url) == AMQP else "classic"
