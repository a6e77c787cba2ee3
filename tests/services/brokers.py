"""The message brokers that M1 runs on, as tests stop, start and empty them. M1_TEST_BROKER names the one of a run."""

import os
import signal
from abc import ABC, abstractmethod
from pathlib import Path

import redis
from kombu import Connection

from m1site.demo.redis_server import RedisNotStartedError, RedisServer, find_binary
from tests.broker_tap import BrokerTap
from tests.services import rabbitmq
from tests.services.rabbit_tap import RabbitTap
from tests.services.rabbitmq import RabbitServer

REDIS, VALKEY, RABBITMQ = "redis", "valkey", "rabbitmq"
PROGRAMS = {REDIS: "redis-server", VALKEY: "valkey-server"}
Tap = BrokerTap | RabbitTap
QUEUES = ("planner", "executor", "housekeeping", "notifications")


class Broker(ABC):
    """A server that passes M1's messages on."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The address, password included."""

    @abstractmethod
    def waiting(self, queue: str) -> int:
        """Return how many messages nobody has taken."""

    @abstractmethod
    def is_drained(self, queue: str) -> bool:
        """Tell whether everything in a queue was taken and answered for."""

    @abstractmethod
    def empty(self) -> None:
        """Throw away all messages that nobody has taken."""

    @abstractmethod
    def down(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the server."""

    @abstractmethod
    def up(self) -> None:
        """Start it again, at the same address, with what it had kept."""

    @abstractmethod
    def tap(self) -> Tap:
        """Return what listens, inside `with`, to all that passes through the server."""

    @abstractmethod
    def stop(self) -> None:
        """End the server for good."""

    @abstractmethod
    def hang(self, *, go_on: bool = False) -> None:
        """Have it keep silent, connections open; or speak again."""


class RedisBroker(Broker):
    """Redis or Valkey, in database 0."""

    def __init__(self, server: RedisServer, directory: Path, program: str = "") -> None:
        self._server, self._directory, self._program = server, directory, program

    @property
    def url(self) -> str:
        """The address, password included."""
        return self._server.url

    def waiting(self, queue: str) -> int:
        """Return how many messages nobody has taken."""
        with redis.Redis.from_url(self.url) as client:
            return int(client.llen(queue))

    def is_drained(self, queue: str) -> bool:
        """Tell whether everything in a queue, and whatever any worker has in hand, was answered for."""
        with redis.Redis.from_url(self.url) as client:
            return not client.llen(queue) and not client.hlen("unacked")

    def empty(self) -> None:
        """Throw away everything, what workers have in hand included."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def down(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the server."""
        self._server.process.send_signal(number)
        self._server.process.wait(30)

    def up(self) -> None:
        """Start it again."""
        port, password = self._server.port, self._server.password
        self._server = RedisServer.start(self._directory, port=port, password=password, program=self._program)

    def tap(self) -> Tap:
        """Return what listens, inside `with`, to all that passes through the server."""
        return BrokerTap(self.url)

    def stop(self) -> None:
        """End the server for good."""
        self._server.stop()

    def hang(self, *, go_on: bool = False) -> None:
        """Stop the process, or let it go on."""
        self._server.process.send_signal(signal.SIGCONT if go_on else signal.SIGSTOP)


class RabbitBroker(Broker):
    """RabbitMQ."""

    def __init__(self, server: RabbitServer) -> None:
        self._server = server

    @property
    def url(self) -> str:
        """The address, password included."""
        return self._server.url

    def waiting(self, queue: str) -> int:
        """Return how many messages nobody has taken."""
        with Connection(self.url) as connection, connection.channel() as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).message_count)
            except connection.channel_errors:  # nobody has sent anything there yet
                return 0

    def is_drained(self, queue: str) -> bool:
        """Tell whether everything in a queue was taken and answered for."""
        return not self.waiting(queue) and self._server.counts().get(queue, (0, 0)) == (0, 0)

    def empty(self) -> None:
        """Purge every queue."""
        for queue in QUEUES:
            with Connection(self.url) as connection, connection.channel() as channel:
                try:
                    channel.queue_purge(queue)
                except connection.channel_errors:  # nobody has sent anything there yet
                    continue

    def down(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the server."""
        self._server.down(number)

    def up(self) -> None:
        """Start it again."""
        self._server.up()

    def tap(self) -> Tap:
        """Return what listens, inside `with`, to all that passes through the server."""
        self._server.control("trace_on")
        return RabbitTap(self.url)

    def stop(self) -> None:
        """End the server for good."""
        self._server.stop()

    def hang(self, *, go_on: bool = False) -> None:
        """Stop the process, or let it go on."""
        self._server.process.send_signal(signal.SIGCONT if go_on else signal.SIGSTOP)


def chosen() -> str:
    """Return the kind of broker that this run is for."""
    return os.environ.get("M1_TEST_BROKER", "")


def why_not(kind: str) -> str:
    """Return why there can be no broker of a kind here, "" where there can."""
    if kind == RABBITMQ:
        return rabbitmq.why_not()
    try:
        find_binary(PROGRAMS[kind])
    except RedisNotStartedError as exc:
        return str(exc)
    return ""


def start(kind: str, directory: Path) -> Broker:
    """Return a broker of a kind that answers, with its data in the directory."""
    if kind == RABBITMQ:
        return RabbitBroker(RabbitServer.start(directory))
    program = PROGRAMS[kind]
    return RedisBroker(RedisServer.start(directory, program=program), directory, program)
