"""What the tests of the core begin with."""

from pathlib import Path

import pytest

from tests.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A small M1 with three people, the tools, a policy and a workspace."""
    return make_world(tmp_path)
