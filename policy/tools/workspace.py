"""A directory that nothing leaves: every path is walked from its root, one component at a time, following no link.

A path that is resolved first and opened afterwards can be swapped in between; a descriptor cannot.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from policy.declare import ToolError
from policy.tools.directory import Directory, told

MAX_NAME_BYTES = 255
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(path: str, *, folder: bool = False, create: bool = False) -> Iterator[tuple[Directory, str]]:
    """Open the folder that holds the path's last component (or, with `folder`, the path itself), below the root.

    create  make the folders on the way that do not exist
    Yields the folder and the last component. Raises ToolError, Missing.
    """
    parts = [] if folder and path == "." else components(path)
    fd = _open_root()
    try:
        for part in parts if folder else parts[:-1]:
            inner = _open_folder(part, fd, create)
            os.close(fd)
            fd = inner
        yield Directory(fd), "" if folder else parts[-1]
    finally:
        os.close(fd)


def components(path: str) -> list[str]:
    """Return the names a path consists of; refused is whatever could mean another place than it shows."""
    if path.startswith("/"):
        raise ToolError("The path is absolute; give it relative to the workspace.")
    if any(ord(character) < 32 or ord(character) == 127 or character == "\\" for character in path):
        raise ToolError("The path holds a backslash or a control character.")
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise ToolError("The path has an empty component, `.` or `..`; name the file directly.")
    if any(len(part.encode("utf-8", "replace")) > MAX_NAME_BYTES for part in parts):
        raise ToolError(f"A name in the path is longer than {MAX_NAME_BYTES} bytes.")
    return parts


def _open_root() -> int:
    root = os.environ.get("M1_FILES_ROOT", "")
    if not os.path.isabs(root):  # noqa: PTH117 - pathlib costs 10 ms of every start
        raise ToolError("The workspace is not set up: M1_FILES_ROOT must name a directory.")
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        raise ToolError("The workspace is not there: M1_FILES_ROOT cannot be opened.") from None


def _open_folder(name: str, within: int, create: bool) -> int:
    with told(name):
        if create:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=within)
        return os.open(name, _FOLDER, dir_fd=within)
