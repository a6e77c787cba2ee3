"""What every test may use. The servers come from tests/services/plugin.py, which pyproject.toml names."""

import os
import shutil
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import pytest
import redis
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler.loadfile import LoadFileScheduling

from tests import rows
from tests.world import set_up

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# A process that begins one of these last works on alone, while the others have nothing left to do.
LONGEST = ["tests/test_main_job.py", "tests/agents/test_races.py", "tests/m1site/test_demo.py"]
LONGEST += ["tests/faults/test_matrix.py", "tests/services/test_servers.py"]
plain_flush = BaseDatabaseOperations.execute_sql_flush
plain_teardown = TransactionTestCase._fixture_teardown


def flush_append_only_too(operations: BaseDatabaseOperations, sql_list: Iterable[str]) -> None:
    """Empty SQLite's tables after a test although triggers forbid it, and leave the triggers as they were."""
    with operations.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
    off = [f"DROP TRIGGER {operations.quote_name(name)}" for name, _ in triggers]
    plain_flush(operations, [*off, *sql_list, *(sql for _, sql in triggers)])


def put_back_rows(case: TransactionTestCase) -> None:
    """Leave the tables as the migrations did: empty but for roles, permissions and the like."""
    if connection.vendor == "postgresql":
        rows.put_back()
    else:
        plain_teardown(case)


BaseDatabaseOperations.execute_sql_flush = flush_append_only_too  # type: ignore[method-assign, assignment]
TransactionTestCase._fixture_teardown = put_back_rows  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the database, and what many tests begin with before any of them has changed a setting."""
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            rows.keep_first()
            set_up()
            rows.put_back()


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The address of a real, empty Redis database, which is this test's own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = os.environ["M1_TEST_REDIS_URL"].rsplit("/", 1)[0] + f"/{int(worker) % 16}"
    yield url
    redis.Redis.from_url(url).flushdb()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Have Playwright start the system's Chromium; for root, Chromium has no sandbox."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": arguments}


def why_no_e2e() -> str:
    if not CHROMIUM:
        return "no Chromium on PATH"
    if not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"):
        return "they need a process of their own; see `make test`"
    return ""


class Scheduling(LoadFileScheduling):
    """What `--dist loadfile` stands for: a worker takes a whole file, and all of tests/faults, which has one site."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/faults" if nodeid.startswith("tests/faults/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def place_in_line(item: pytest.Item) -> int:
    file = item.nodeid.partition("::")[0]
    return LONGEST.index(file) if file in LONGEST else len(LONGEST)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # marks before pytest selects by marker, sorts after pytest-django
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    why = why_no_e2e()
    for item in items:
        if item.nodeid.startswith("tests/e2e/"):
            item.add_marker("e2e")
            if why:
                item.add_marker(pytest.mark.skip(reason=why))
    yield
    items.sort(key=place_in_line)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-e2e", action="store_true", help="fail when no test ran in Chromium")


def count_e2e(config: pytest.Config, *outcomes: str) -> int:
    stats = config.pluginmanager.getplugin("terminalreporter").stats
    return sum("e2e" in report.keywords for outcome in outcomes for report in stats.get(outcome, []))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--require-e2e") and not count_e2e(session.config, "passed", "failed"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count_e2e(config, "skipped") and not count_e2e(config, "passed", "failed"):
        terminalreporter.write_line(f"e2e NOT RUN: {why_no_e2e()}")
