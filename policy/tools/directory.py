"""A folder held by its descriptor: what is done in it happens in that very folder, whatever its path means by now."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from policy.declare import Answer, ToolError

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # without NONBLOCK a named pipe would hang here
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
_REASONS = {
    errno.ENOENT: "does not exist",
    errno.ELOOP: "is a link, and links are not followed",
    errno.ENOTDIR: "is not a folder",
    errno.EISDIR: "is a folder, not a file",
    errno.EACCES: "may not be opened",
    errno.ENAMETOOLONG: "is too long a name",
}


class Missing(ToolError):
    """What the path names is not there."""


class Directory:
    """A folder held by its descriptor; every name is used inside it and nowhere else."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def entries(self, limit: int) -> list[Answer]:
        """Return up to `limit` entries, in no order: name, kind and size in bytes."""
        with os.scandir(self.fd) as found:
            return [_described(entry) for entry, _ in zip(found, range(limit), strict=False)]

    def open_file(self, name: str) -> int:
        """Return a descriptor for reading; what it is a descriptor of is for the caller to check."""
        with told(name):
            return os.open(name, _FILE, dir_fd=self.fd)

    def replace(self, name: str, data: bytes) -> bool:
        """Put the bytes there, whole or not at all and safe on the disk; tell whether the name is new."""
        temporary = f".m1-{os.urandom(8).hex()}.tmp"
        with told(name):
            mode = self._mode_of(name)
            try:
                self._fill(temporary, data, mode or 0o644)
                os.replace(temporary, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)
            except OSError:
                self._discard(temporary)
                raise
        os.fsync(self.fd)
        return mode is None

    def remove(self, name: str) -> int:
        """Remove a file and return its size in bytes."""
        with told(name):
            found = os.stat(name, dir_fd=self.fd, follow_symlinks=False)
            _check_is_file(name, found.st_mode)
            os.unlink(name, dir_fd=self.fd)
        os.fsync(self.fd)
        return found.st_size

    def _mode_of(self, name: str) -> int | None:
        """Return the permissions of the file that is there, None where there is none."""
        try:
            mode = os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None
        _check_is_file(name, mode)
        return stat.S_IMODE(mode)

    def _fill(self, name: str, data: bytes, mode: int) -> None:
        with os.fdopen(os.open(name, _NEW, mode, dir_fd=self.fd), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _discard(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self.fd)
        except FileNotFoundError:
            return


def _check_is_file(name: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "special file")
        raise ToolError(f"{name!r} is a {kind}, not a file.")


def _described(entry: os.DirEntry[str]) -> Answer:
    found = entry.stat(follow_symlinks=False)
    name = os.fsencode(entry.name).decode("utf-8", "replace")
    return {"name": name, "kind": _KINDS.get(stat.S_IFMT(found.st_mode), "other"), "bytes": found.st_size}


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn the operating system's refusals into sentences."""
    try:
        yield
    except FileNotFoundError:
        raise Missing(f"{name!r} does not exist.") from None
    except (OSError, UnicodeError) as exc:
        number = exc.errno if isinstance(exc, OSError) else None
        raise ToolError(f"{name!r} {_REASONS.get(number or 0, 'cannot be used: ' + type(exc).__name__)}.") from None
