"""What the tests of faults begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.site import Site, started
from tests.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A small M1 with three people, the tools, a policy and a workspace."""
    return make_world(tmp_path)


@pytest.fixture(scope="package")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """All of M1 in its processes, with servers that can be stopped; for every file that has none of its own."""
    with started(request.config, tmp_path_factory.mktemp("m1")) as site:
        yield site


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what struck, what happened outside, what was lost and what people had to settle."""
    for line in report.lines([*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]):
        terminalreporter.write_line(line)
