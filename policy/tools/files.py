"""Files in a workspace: list, read, write, delete; nothing outside the directory `M1_FILES_ROOT` is reached."""

from __future__ import annotations

import hashlib
import itertools
from typing import Annotated

from policy.declare import Answer, Length, Preview, tool
from policy.tools import texts
from policy.tools.directory import Missing
from policy.tools.workspace import opened

MAX_ENTRIES = 1_000
MAX_DIFF_BYTES = 60_000
HEAD_BYTES = 4_000
ENVIRONMENT = ("M1_FILES_ROOT",)

Path = Annotated[str, "Path of the file inside the workspace, such as `reports/may.txt`", Length(1, 1024)]
Folder = Annotated[str, "Path of the folder inside the workspace; `.` is the workspace itself", Length(1, 1024)]
Content = Annotated[str, "The whole new text of the file", Length(0, texts.MAX_BYTES)]


@tool(
    "files.list", headline="List the folder {path}", risk="low", read_only=True, idempotent=True, timeout_seconds=10,
    environment=ENVIRONMENT,
)  # fmt: skip
def list_folder(path: Folder = ".") -> Answer:
    """List what a folder of the workspace holds: names, kinds and sizes."""
    with opened(path, folder=True) as (folder, _):
        entries = sorted(folder.entries(MAX_ENTRIES + 1), key=lambda entry: str(entry["name"]))
    return {"path": path, "entries": entries[:MAX_ENTRIES], "complete": len(entries) <= MAX_ENTRIES}


@tool(
    "files.read", headline="Read {path}", risk="low", read_only=True, idempotent=True, timeout_seconds=10,
    environment=ENVIRONMENT,
)  # fmt: skip
def read(path: Path) -> Answer:
    """Read a text file of the workspace (UTF-8, at most 200,000 bytes)."""
    with opened(path) as (folder, name):
        data = texts.contents(folder, name, path)
    return {"path": path, "content": texts.text(data, path), "bytes": len(data), "sha256": texts.sha256(data)}


def preview_write(path: Path, content: Content) -> Answer:
    """Return the difference that a write would make."""
    new = texts.encoded(content)
    try:
        with opened(path) as (folder, name):
            old = texts.contents(folder, name, path)
    except Missing:
        return Preview("diff", f"New file, {texts.facts(new)}", texts.diff("", content, path)).as_answer()
    summary = f"Replaces {texts.facts(old)} by {texts.facts(new)}"
    if not texts.is_text(old) or len(old) + len(new) > MAX_DIFF_BYTES:  # the time a diff takes grows with the square
        return Preview("text", f"{summary}; too long for a diff, or not text", "").as_answer()
    return Preview("diff", summary, texts.diff(old.decode(), content, path)).as_answer()


@tool(
    "files.write", headline="Write {path}", risk="medium", idempotent=True, timeout_seconds=10,
    environment=ENVIRONMENT, preview=preview_write,
)  # fmt: skip
def write(path: Path, content: Content) -> Answer:
    """Write a text file in the workspace: a new one, with its folders, or in place of the one that is there."""
    data = texts.encoded(content)
    with opened(path, create=True) as (folder, name):
        created = folder.replace(name, data)
    return {"path": path, "bytes": len(data), "sha256": texts.sha256(data), "created": created}


def preview_delete(path: Path) -> Answer:
    """Return what would be gone: size, digest and how it begins."""
    digest, size = hashlib.sha256(), 0
    with opened(path) as (folder, name), texts.opened_file(folder, name, path) as file:
        head = file.read(HEAD_BYTES)
        for chunk in itertools.chain([head], iter(lambda: file.read(texts.MAX_BYTES), b"")):
            digest.update(chunk)
            size += len(chunk)
    shown = head.decode("utf-8", "ignore") if texts.is_text(head, whole=False) else ""
    return Preview("text", f"Deletes {size:,} bytes (SHA-256 {digest.hexdigest()})", shown).as_answer()


@tool(
    "files.delete", headline="Delete {path}", risk="high", timeout_seconds=10, environment=ENVIRONMENT,
    preview=preview_delete,
)  # fmt: skip
def delete(path: Path) -> Answer:
    """Delete a file of the workspace for good."""
    with opened(path) as (folder, name):
        size = folder.remove(name)
    return {"path": path, "bytes": size, "deleted": True}
