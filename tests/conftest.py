"""What every test may use. The servers come from tests/services/plugin.py, which pyproject.toml names."""

import os
import shutil
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import redis
from django.db.backends.base.operations import BaseDatabaseOperations

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
plain_flush = BaseDatabaseOperations.execute_sql_flush


def flush_append_only_too(operations: BaseDatabaseOperations, sql_list: Iterable[str]) -> None:
    """Empty the tables after a test although triggers forbid it, and leave the triggers as they were."""
    if operations.connection.vendor == "postgresql":
        off = ["SET LOCAL session_replication_role = replica"]
        on = ["SET LOCAL session_replication_role = origin"]
    else:
        with operations.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        off = [f"DROP TRIGGER {operations.quote_name(name)}" for name, _ in triggers]
        on = [sql for _, sql in triggers]
    plain_flush(operations, [*off, *sql_list, *on])


BaseDatabaseOperations.execute_sql_flush = flush_append_only_too  # type: ignore[method-assign, assignment]


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


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = why_no_e2e()
    for item in items:
        if item.nodeid.startswith("tests/e2e/"):
            item.add_marker("e2e")
            if why:
                item.add_marker(pytest.mark.skip(reason=why))


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
