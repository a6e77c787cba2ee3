"""What must not be lost because the database is away for a moment: a reply that was paid for, a tool's result."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connection

T = TypeVar("T")
AWAY = (OperationalError, InterfaceError, InternalError)  # gone, starting, full, read-only
PATIENCE_SECONDS = 300.0
PAUSE_SECONDS = 0.5


def patiently(act: Callable[[], T]) -> T:
    """Do it once the database is there. Raises what the database says when it has been away for too long.

    The act may have been done when its answer was lost: done a second time, it must change nothing more.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except AWAY:
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)
