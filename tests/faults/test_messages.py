"""Messages that nobody of M1 has sent: no effect, no worker dies for good, and the others go on."""

import json
import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis

from tests.faults import messages
from tests.faults.site import Site
from tests.people import until

pytestmark = pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
MADE_UP = [("executor", "agents.execute", 1_000), ("executor", "agents.preview", 100), ("planner", "agents.plan", 100)]


@pytest.fixture
def broker(site: Site) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(site.m1.redis.url) as client:
        messages.give_back(client)
        yield client


def test_forged_messages_of_every_kind_do_nothing(site: Site, broker: redis.Redis) -> None:
    waiting, _ = site.pending(site.client.run("forged", "counter"))
    for queue in messages.QUEUES:
        messages.put(broker, queue, list(messages.forged(queue, waiting).values()))
    assert_all_goes_on(site, broker)
    assert (site.effects.counts[waiting], messages.MARK.exists()) == (0, False)


def test_nonsense_among_the_unanswered_messages_is_thrown_away(site: Site, broker: redis.Redis) -> None:
    messages.spoil_unanswered(broker)
    assert_all_goes_on(site, broker)


def test_a_thousand_ids_that_somebody_made_up_do_nothing(site: Site, broker: redis.Redis) -> None:
    for queue, task, count in MADE_UP:
        bodies = [messages.encoded([[str(uuid4())], {}, {}]) for _ in range(count)]
        messages.put(broker, queue, [json.dumps(messages.envelope(queue, task, body)).encode() for body in bodies])
    assert_all_goes_on(site, broker)


def assert_all_goes_on(site: Site, broker: redis.Redis) -> None:
    """What was put into the queues is gone, every worker lives, and a call goes its way from goal to effect."""
    until(lambda: messages.is_drained(broker), 120, what="the queues are empty")
    before = site.effects.counts.total()
    run = site.client.run("goes on", "counter")
    request_id, digest = site.pending(run)
    site.client.approve(request_id, digest)
    assert site.m1.ended(run, 60)["answer"] == "It was counted."
    assert (site.effects.counts[request_id], site.effects.counts.total() - before) == (1, 1)
    ended = [
        name for name, child in site.m1.children.items() if child.process is None or child.process.poll() is not None
    ]
    assert ended == []
