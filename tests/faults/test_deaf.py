"""Workers hear what Redis has for them, after Redis was away and after another worker was killed."""

import logging
from pathlib import Path

from kombu import Connection, Queue
from kombu.transport.redis import Mutex

from m1site import broker_setting
from m1site.demo.redis_server import RedisServer

TRANSPORT = "m1site.guarded:GuardedTransport"


def test_an_answer_that_redis_did_not_hear_leaves_room_for_the_next_message(tmp_path: Path) -> None:
    server = RedisServer.start(tmp_path)
    with Connection(server.url, transport=TRANSPORT) as connection:
        channel = connection.channel()
        channel.basic_qos(0, 1, False)
        queue = Queue("one", channel=channel)
        queue.declare()
        connection.Producer().publish({}, routing_key="one")
        message = queue.get()
        assert message is not None
        assert not channel.qos.can_consume(), "one place, and it is taken"
        server.process.kill()
        server.process.wait()
        message.ack_log_error(logging.getLogger(__name__), connection.connection_errors)
        assert channel.qos.can_consume()


def test_a_worker_that_dies_while_it_looks_for_unanswered_messages_keeps_the_others_from_it_for_seconds(
    tmp_path: Path,
) -> None:
    server = RedisServer.start(tmp_path)
    options = broker_setting.options(server.url)
    try:
        with Connection(server.url, transport=TRANSPORT, transport_options=options) as connection:
            channel = connection.channel()
            with Mutex(channel.client, channel.unacked_mutex_key, channel.unacked_mutex_expire):
                assert 0 < channel.client.pttl(channel.unacked_mutex_key) <= 10_000
    finally:
        server.stop()
