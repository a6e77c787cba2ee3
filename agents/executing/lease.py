"""A worker's hold on a call by the clock of its own machine, which goes on while the worker itself is frozen."""

import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connection

from agents import runs

FRESH_SECONDS = 1.0


class Lease:
    """The sandbox's beat, made before the claim: it ends here before it ends in the database.

    renew   renews it in the database; False when the call is not this worker's any more, or a person stopped it
    until   by `now`; nobody else takes the call for lost before
    """

    def __init__(self, renew: Callable[[], bool]) -> None:
        self._renew = renew
        self.until = _end()

    def holds(self) -> bool:
        """Tell whether a tool may be begun: a worker that was held up since it last renewed asks first."""
        return _end() - self.until < FRESH_SECONDS or self()

    def __call__(self) -> bool:
        """Renew it; a database that is away for less than the lease does not end it."""
        end = _end()
        try:
            held = self._renew()
        except (DatabaseError, InterfaceError):
            connection.close()
            return now() < self.until
        self.until = end
        return held


def now() -> float:
    """Return seconds that no process and no sleep of the machine can hold up; the tool's process counts the same."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _end() -> float:
    return now() + runs.lease_seconds()
