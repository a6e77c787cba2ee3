"""The servers of the demo and of the tests keep what they were told, and never outlive whoever started them."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from m1site.demo.redis_server import RedisNotStartedError, RedisServer
from tests.services import brokers, rabbitmq
from tests.services.postgres import PostgresServer

PATIENCE_SECONDS = 30
PARENTS = {
    "redis": "from m1site.demo.redis_server import RedisServer as S; s = S.start(pathlib.Path(sys.argv[1]))",
    "postgres": "from tests.services.postgres import PostgresServer as S; s = S.start()",
    "rabbitmq": "from tests.services.rabbitmq import RabbitServer as S; s = S.start(pathlib.Path(sys.argv[1]))",
}


@pytest.mark.parametrize("server", PARENTS)
def test_a_server_ends_when_its_parent_is_killed(server: str, tmp_path: Path) -> None:
    if server == "rabbitmq" and (why := rabbitmq.why_not() or (not brokers.chosen() and "`make brokers` runs it")):
        pytest.skip(why)
    script = f"import pathlib, sys; {PARENTS[server]}; print(s.process.pid, flush=True); sys.stdin.read()"
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    watched = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    assert select.select([watched], [], [], PATIENCE_SECONDS)[0], "it still runs"
    os.close(watched)


def test_redis_keeps_what_it_acknowledged_and_asks_for_the_password(tmp_path: Path) -> None:
    first = RedisServer.start(tmp_path)
    redis.Redis.from_url(first.url).set("key", "value")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=first.port, retry=None).ping()
    first.stop()
    second = RedisServer.start(tmp_path)
    assert redis.Redis.from_url(second.url).get("key") == b"value"
    second.stop()


def test_a_second_redis_in_the_same_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m1site.demo.redis_server.STOP_SECONDS", 0)
    server = RedisServer.start(tmp_path)
    with pytest.raises(RedisNotStartedError, match="another one runs"):
        RedisServer.start(tmp_path)
    server.stop()


def test_redis_says_why_it_did_not_start(tmp_path: Path) -> None:
    server = RedisServer.start(tmp_path / "one")
    with pytest.raises(RedisNotStartedError, match=str(server.port)):
        RedisServer.start(tmp_path / "two", port=server.port)
    server.stop()


def test_postgres_leaves_nothing_behind() -> None:
    server = PostgresServer.start(durable=True)
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute("SELECT current_setting('fsync')").fetchone()
    server.stop()
    assert row == ("on",)
    assert server.process.returncode == 0
    assert not server.cluster.directory.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_postgres_begins_again_on_the_same_port_with_what_was_committed(number: signal.Signals) -> None:
    server = PostgresServer.start(durable=True)
    with psycopg.connect(server.url("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    server.end(number)
    server.begin_again()
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute("SELECT one FROM kept").fetchone()
    server.stop()
    assert row == (1,)


def test_what_cannot_become_the_child_of_its_parent_does_not_start(tmp_path: Path) -> None:
    started = tmp_path / "started"
    wrapper = Path(sys.modules["m1site.demo.pdeathsig"].__file__ or "")
    orphan = [sys.executable, str(wrapper), "1", str(int(signal.SIGTERM)), "-1", "-1", "touch", str(started)]
    assert subprocess.run(orphan, stderr=subprocess.DEVNULL, check=False).returncode != 0
    assert not started.exists()
