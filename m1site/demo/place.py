"""Where the demo keeps what it makes, and how two demos keep out of each other's way."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self
from urllib.parse import quote

from m1site.demo.errors import DemoError

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK_SECONDS = 4  # what a killed demo left behind is gone by then


@dataclass(frozen=True)
class Place:
    """The demo's directory and what it makes there.

    ready   an empty file: the demo has been whole once, and its passwords were shown
    """

    directory: Path
    ready: Path
    beat: Path
    database: Path
    logs: Path
    mail: Path
    redis: Path
    secrets: Path
    workspace: Path

    @classmethod
    def at(cls, directory: Path) -> Self:
        """Return the places below a directory; nothing is made yet."""
        names = [field.name for field in fields(cls) if field.name != "directory"]
        return cls(directory, *(directory / name for name in names))

    @property
    def folders(self) -> tuple[Path, ...]:
        """All that the demo makes, but for the files `ready` and `lock`."""
        return (self.beat, self.database, self.logs, self.mail, self.redis, self.secrets, self.workspace)

    @property
    def database_url(self) -> str:
        """The demo's own SQLite file, as DATABASE_URL names it."""
        return f"sqlite:///{quote(str(self.database / 'm1.sqlite3'))}"

    @property
    def email_url(self) -> str:
        """The folder that gets the mail, as M1_EMAIL_URL names it."""
        return f"filemail://{quote(str(self.mail))}"

    def shown(self, path: Path) -> str:
        """Return a path as a person in the project's folder would type it."""
        return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.logs / f"{name}.log"

    def clear(self) -> None:
        """Remove what the demo made; whatever else lies there stays."""
        self.ready.unlink(missing_ok=True)  # first: a removal that is cut short must not look like a whole demo
        for folder in self.folders:
            if folder.exists():
                shutil.rmtree(folder)

    def make(self) -> None:
        """Make the folders that are missing, for this user only."""
        for folder in self.folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the place, or raise DemoError. The processes inherit the lock: it is free once all have ended."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            if not _acquired(lock):
                raise DemoError(
                    why=f"a demo runs in {self.shown(self.directory)} already; stop it first, by Ctrl-C there"
                )
            yield lock
        finally:
            os.close(lock)


def _acquired(lock: int) -> bool:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True
