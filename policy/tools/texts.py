"""What the file tools read and show: bytes of a regular file, as text where they are text."""

from __future__ import annotations

import codecs
import difflib
import hashlib
import os
import stat
from typing import BinaryIO

from policy.declare import ToolError
from policy.tools.directory import Directory

MAX_BYTES = 200_000


def opened_file(folder: Directory, name: str, path: str) -> BinaryIO:
    """Return a regular file, open for reading; raises ToolError for anything else."""
    fd = folder.open_file(name)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.fdopen(fd, "rb")
    os.close(fd)
    raise ToolError(f"{path!r} is not a file.")


def contents(folder: Directory, name: str, path: str) -> bytes:
    """Return a file's bytes; raises ToolError above MAX_BYTES."""
    with opened_file(folder, name, path) as file:
        data = file.read(MAX_BYTES + 1)  # judged by what was read: the file may grow meanwhile
    if len(data) > MAX_BYTES:
        raise ToolError(f"{path!r} is larger than {MAX_BYTES:,} bytes.")
    return data


def is_text(data: bytes, *, whole: bool = True) -> bool:
    """Tell whether the bytes are text; of a part that is not the whole, the last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, whole)
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


def text(data: bytes, path: str) -> str:
    """Return the bytes as text; raises ToolError where they are none."""
    if not is_text(data):
        raise ToolError(f"{path!r} is not a text file in UTF-8.")
    return data.decode("utf-8")


def encoded(content: str) -> bytes:
    """Return the text as bytes; raises ToolError above MAX_BYTES."""
    data = content.encode("utf-8")
    if len(data) > MAX_BYTES:
        raise ToolError(f"The content is larger than {MAX_BYTES:,} bytes.")
    return data


def diff(old: str, new: str, path: str) -> str:
    """Return a unified diff; a carriage return is part of its line, so that a change of line ends shows."""
    before, after = (text.split("\n") if text else [] for text in (old, new))
    return "\n".join(difflib.unified_diff(before, after, f"old/{path}", f"new/{path}", lineterm=""))


def facts(data: bytes) -> str:
    """Return size and digest, as people compare them."""
    return f"{len(data):,} bytes (SHA-256 {sha256(data)})"


def sha256(data: bytes) -> str:
    """Return the SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
