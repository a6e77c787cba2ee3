"""Run a claimed call to its one result: again within the same claim where an idempotent tool asks for it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from agents.executing.claiming import Claimed
from agents.executing.lease import Lease
from agents.sandbox import answer, running
from agents.sandbox.values import Limits, Result

UNFINISHED = "unfinished"
WAITS_SECONDS = (1, 3)
"""Before the second and the third try; there is no fourth."""


def run(
    claimed: Claimed,
    *,
    limits: Limits,
    environment: Mapping[str, str],
    lease: Lease,
    retried: Callable[[int, Result], bool],
) -> Result:
    """Run the tool, each time with the same arguments and key, and return the result that counts.

    lease     is kept, also between tries, until the call is not ours any more, or a person stopped it
    retried   puts the next try (2, 3) on record with the result before it; False as above
    Raises StillAliveError, as `running.run` does; nothing is tried again after that.
    """
    definition = claimed.definition
    if not lease.holds():
        return answer.not_begun()
    before = None
    for number, wait in enumerate((*WAITS_SECONDS, 0), start=1):
        result = running.run(
            definition, definition.function, claimed.arguments, request_id=str(claimed.request_id), limits=limits,
            environment=environment, beat=lease, begin_by=lease.until,
        )  # fmt: skip
        if before and result.error_code == answer.NOT_BEGUN:
            return _stopped(number, before)  # this try was not begun, the one before it was
        if result.error_code != UNFINISHED or not definition.idempotent:
            return result
        if wait and not (_waited(wait, lease) and retried(number + 1, result)):
            return _stopped(number + 1, result)
        before = result
    return replace(result, error=f"It could not finish in {number} tries. {result.error}")


def _stopped(number: int, before: Result) -> Result:
    return answer.failed("cancelled", f"Stopped before try {number}. {before.error}")


def _waited(seconds: int, lease: Lease) -> bool:
    for _ in range(seconds):
        time.sleep(1)
        if not lease():
            return False
    return True
