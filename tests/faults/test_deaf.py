"""A worker that could not answer for a message, since Redis had gone, still hears when Redis is back."""

import logging
from pathlib import Path

from kombu import Connection, Queue

from m1site.demo.redis_server import RedisServer


def test_an_answer_that_redis_did_not_hear_leaves_room_for_the_next_message(tmp_path: Path) -> None:
    server = RedisServer.start(tmp_path)
    with Connection(server.url, transport="m1site.guarded:GuardedTransport") as connection:
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
