"""A broker that is away, hangs or refuses: sending says so at once, and goes on when it is back."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kombu.exceptions import OperationalError
from pytest_django import Settings

from m1site import broker, broker_setting
from m1site.broker import App
from m1site.demo.redis_server import free_port
from tests.m1site.telling import m1
from tests.services import brokers
from tests.services.brokers import REDIS, VALKEY, Broker

SEVERAL = "redis://:p@a:1/0; redis://:p@b:1/0"


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> Iterator[Broker]:
    server = brokers.start(VALKEY if brokers.why_not(REDIS) else REDIS, tmp_path)
    settings.M1_BROKER_URL = server.url
    yield server
    server.stop()


@pytest.fixture
def app(server: Broker) -> App:
    app = App("tests", broker=server.url, set_as_current=False)
    app.conf.broker_transport_options = broker_setting.options(server.url)
    app.conf.task_ignore_result = True
    return app


def send(app: App) -> str:
    """Send a message; return "" or why it was not taken."""
    try:
        app.send_task("agents.plan", args=["x"], queue="planner", retry=False)
    except OperationalError as exc:
        return str(exc)
    return ""


class StoppedClock:
    """A clock that stands still, however long this machine takes for a thing."""

    def __init__(self, now: float) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now


def test_a_broker_that_hangs_is_asked_once_and_then_left_alone_for_a_while(
    app: App, server: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send(app) == ""
    server.hang()
    assert "did not take it" in send(app)
    clock = StoppedClock(time.monotonic())
    monkeypatch.setattr(broker, "time", clock)
    asked = [send(app) for _ in range(50)]
    server.hang(go_on=True)
    assert asked == ["the broker did not answer a moment ago"] * 50
    clock.now += broker.PAUSE_SECONDS
    assert send(app) == ""


def test_a_broker_that_is_away_is_asked_every_time_and_none_is_lost_after_its_restart(
    app: App, server: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "time", StoppedClock(1.0))  # a refusal costs no time, on a busy machine either
    assert send(app) == ""
    server.down()
    assert [bool(send(app)) for _ in range(3)] == [True, True, True]
    server.up()
    assert [send(app) for _ in range(3)] == ["", "", ""]
    server.down()
    server.up()
    assert send(app) == "", "the first one after a restart goes into a new connection"
    assert server.waiting("planner") == 5


def test_whatever_the_transport_raises_is_one_error(app: App, server: Broker) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.set("planner", "is no list")
    assert "did not take it: " in send(app)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", ""), ("  ", ""), ("redis://h:1/0", "redis://h:1/0"), ("rediss://:p@h/1", "rediss://:p@h/1"),
        ("amqp://u:p@h//", "amqp://u:p@h//"), ("amqps://u:p@h:5671/m1", "amqps://u:p@h:5671/m1"),
        (SEVERAL, SEVERAL.replace(" ", "")),
    ],
)  # fmt: skip
def test_addresses_that_are_taken(given: str, found: str) -> None:
    assert broker_setting.parse(given) == found


def test_each_kind_gets_the_options_that_it_knows() -> None:
    assert broker_setting.options("amqp://h")["confirm_publish"]
    assert "visibility_timeout" not in broker_setting.options("amqp://h")
    assert broker_setting.options("redis://h")["visibility_timeout"] > 3 * 3_600  # of the longest tool, three times
    assert "confirm_publish" not in broker_setting.options("rediss://h")
    assert [broker_setting.queue_type(url) for url in ("amqps://h", "redis://h", "")] == [
        "quorum",
        "classic",
        "classic",
    ]


def test_the_check_says_what_waits_and_what_could_be_lost(app: App, server: Broker) -> None:
    assert send(app) == ""
    found = json.loads(m1("check", "broker", "--json").output)
    assert (found["status"], found["kind"], found["waiting"]["planner"], found["warnings"]) == ("ok", "redis", 1, [])
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
    told = m1("check", "broker")
    assert told.exit_code == 0
    assert "throws messages away when it is full (maxmemory-policy allkeys-lru)" in told.output
    server.down()
    told = m1("check", "broker")
    assert told.exit_code == 1 and "it does not answer" in told.output
    server.up()


@pytest.mark.parametrize(
    ("url", "warning"),
    [
        ("redis://127.0.0.1:{port}/0", "has no password"),
        ("amqp://127.0.0.1:{port}//", "has no password"),
        ("redis://:hunter2@broker.invalid:{port}/0", "is not encrypted"),
    ],
)
def test_the_check_warns_of_open_doors_and_tells_no_password(settings: Settings, url: str, warning: str) -> None:
    settings.M1_BROKER_URL = url.format(port=free_port())
    told = m1("check", "broker")
    assert told.exit_code == 1
    assert warning in told.output and "hunter2" not in told.output
