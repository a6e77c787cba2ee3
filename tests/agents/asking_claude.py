"""ClaudePlanner, through the real SDK, against a server that refuses what the Messages API refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agents.planners.base import PlannerError, Reply
from agents.planners.claude import ClaudePlanner
from tests.agents.conversations import conversation
from tests.claude_server import KEY, Answer, ClaudeServer, Script


@contextmanager
def claude(
    script: Script, *, api_key: str = KEY, max_retries: int = 2, timeout: float = 10
) -> Iterator[tuple[ClaudePlanner, ClaudeServer]]:
    """Put the script behind a planner."""
    with ClaudeServer(script) as server:
        yield ClaudePlanner(api_key=api_key, base_url=server.url, timeout=timeout, max_retries=max_retries), server


def first_turn(*script: Answer) -> Reply:
    """Return the first turn of a run whose provider answers so."""
    with claude(script) as (planner, _):
        return planner.next_turn(conversation())


def failure(*script: Answer, api_key: str = KEY) -> PlannerError:
    """Return why there is no first turn."""
    with claude(script, api_key=api_key) as (planner, _), pytest.raises(PlannerError) as caught:
        planner.next_turn(conversation())
    return caught.value
