"""Start what a whole test run shares, before Django reads its settings: PostgreSQL (or a SQLite file) and Redis.

The processes of pytest-xdist inherit the addresses by the environment; each has a database of its own.
M1_TEST_DATABASE=sqlite runs on SQLite.
"""

import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from m1site.demo.redis_server import RedisServer
from tests.services.postgres import PostgresServer


@pytest.hookimpl(wrapper=True)  # around pytest-django's, which loads the settings
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        place = tempfile.TemporaryDirectory(prefix="m1-tests-")
        early_config.add_cleanup(place.cleanup)
        redis = RedisServer.start(Path(place.name) / "redis")
        early_config.add_cleanup(redis.stop)
        os.environ["M1_TEST_REDIS_URL"] = redis.url
        os.environ["M1_TEST_DATABASE_URL"] = start_database(early_config, Path(place.name))
    return (yield)


def start_database(config: pytest.Config, place: Path) -> str:
    """Return the address of the database that this run is for."""
    if os.environ.get("M1_TEST_DATABASE") == "sqlite":
        return f"sqlite:///{place / 'm1.sqlite3'}"
    postgres = PostgresServer.start()
    config.add_cleanup(postgres.stop)
    return postgres.url("m1")
