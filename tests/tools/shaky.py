"""Tools that cannot finish at first, and ask to be run again."""

from __future__ import annotations

import os
from pathlib import Path

from policy.declare import Answer, RetryableError, tool


@tool("shaky.idempotent", headline="Write to {path}", risk="low", idempotent=True)
def idempotent(path: str, failures: int, words: str = "busy") -> Answer:
    """Finish once it has failed so often."""
    return _try(Path(path), failures, words)


@tool("shaky.other", headline="Write to {path}", risk="low")
def other(path: str, failures: int, words: str = "busy") -> Answer:
    """Do the same, without the promise that a second run changes nothing."""
    return _try(Path(path), failures, words)


def _try(path: Path, failures: int, words: str) -> Answer:
    with path.open("a") as file:
        file.write(f"{os.environ['M1_REQUEST_ID']}\n")
    tries = len(path.read_text().splitlines())
    if tries <= failures:
        raise RetryableError(words)
    return {"tries": tries}
