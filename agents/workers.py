"""The name of this worker process, and the heartbeat that keeps its lease while it waits for someone else."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from django.db import DatabaseError, InterfaceError, connection

BEAT_SECONDS = 2.0


def name() -> str:
    """Return host, process and the process's start time: no later process of this host has the same name."""
    stat = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split() if Path("/proc/self/stat").exists() else []
    return f"{socket.gethostname()}:{os.getpid()}:{stat[19] if len(stat) > 19 else '0'}"


class Heartbeat:
    """Call `keep` every two seconds, in a thread with a database connection of its own, until the block ends."""

    def __init__(self, keep: Callable[[], object]) -> None:
        self._keep = keep
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.wait(BEAT_SECONDS):
                try:
                    self._keep()
                except (DatabaseError, InterfaceError):  # away for a moment: the lease says how long a moment may be
                    connection.close()
        finally:
            connection.close()
