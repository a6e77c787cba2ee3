"""The file tools stay inside their root, whatever path they are given and whoever rearranges it meanwhile."""

from __future__ import annotations

import ctypes
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.declare import Answer, ToolError
from policy.tools import directory, files, texts

libc = ctypes.CDLL(None)
OUTSIDE = "secret outside of the workspace"

TRAVERSALS = [
    "../outside/secret.txt", "..", "../", "a/../../outside/secret.txt", "./../outside/secret.txt", "a/..", "a/../b.txt",
    "/etc/passwd", "//etc/passwd", "/", "/proc/self/environ", "", "a//b.txt", "a/", "./b.txt", "a/./b.txt", ".",
    "..\\outside\\secret.txt", "a\\b", "b.txt\x00", "\x00", "b.txt\n", "a/\x1b[2J", "..\x00/x", "…/…/x",
    "%2e%2e/outside/secret.txt", "..%2foutside%2fsecret.txt", "．．/outside/secret.txt", "..;/outside",
    "....//outside/s.txt", "~/x", "~root/x", "file:///etc/passwd", "C:\\x", "\\\\host\\share",
    "a" * 300, "new/" + "a" * 300, "a/" * 400 + "b", "b.txt/x", "b.txt/../b.txt",
]  # fmt: skip
LINKS = [
    "link.txt",
    "folder_link/secret.txt",
    "a/link.txt",
    "loop",
    "up/outside/secret.txt",
    "absolute.txt",
    "dangling",
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace with a file and links in it, beside a directory that must stay untouched and unread."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    (root / "a").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.txt").write_text(OUTSIDE)
    (root / "b.txt").write_text("old\nlines\n")
    for name, target in [("link.txt", outside / "secret.txt"), ("folder_link", outside), ("up", Path("..")),
                         ("a/link.txt", Path("../../outside/secret.txt")), ("loop", Path("loop")),
                         ("absolute.txt", Path("/etc/passwd")), ("dangling", outside / "new.txt")]:  # fmt: skip
        (root / name).symlink_to(target)
    monkeypatch.setenv("M1_FILES_ROOT", str(root))
    yield root
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"secret.txt": OUTSIDE}
    assert [path for path in root.rglob("*") if path.name.endswith(".tmp")] == []


def write_x(path: str) -> Answer:
    return files.write(path, "x")


def preview_x(path: str) -> Answer:
    return files.preview_write(path, "x")


ACTIONS = [files.read, write_x, files.delete, preview_x, files.preview_delete, files.list_folder]


def snapshot(root: Path) -> dict[str, object]:
    return {str(path): path.readlink() if path.is_symlink() else path.is_dir() or path.read_bytes()
            for path in root.rglob("*")}  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize("action", ACTIONS)
def test_no_path_leads_outside(root: Path, action: Callable[[str], Answer], path: str) -> None:
    before = snapshot(root)
    try:
        answer = action(path)
    except ToolError:
        assert snapshot(root) == before
    else:  # a name that only looks like a way out is a name inside
        assert action in (write_x, preview_x, files.list_folder)
        assert OUTSIDE not in str(answer)


@pytest.mark.parametrize("path", LINKS)
@pytest.mark.parametrize("action", ACTIONS)
def test_no_link_is_followed_or_touched(root: Path, action: Callable[[str], Answer], path: str) -> None:
    before = snapshot(root)
    with pytest.raises(ToolError):
        action(path)
    assert snapshot(root) == before


def test_a_folder_swapped_for_a_link_meanwhile_leads_nowhere(root: Path) -> None:
    """A thread swaps a folder for a link and back while the tools walk through it, 3,000 times."""
    real, link = root / "swapped", root / "other"
    real.mkdir()
    (real / "secret.txt").write_text("inside")
    link.symlink_to(root.parent / "outside")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            exchange(real, link)

    swapper = threading.Thread(target=swap)
    swapper.start()
    answers = [attempt(action) for _ in range(1_000) for action in (read_swapped, write_swapped, delete_swapped)]
    stop.set()
    swapper.join()
    assert OUTSIDE not in str(answers)
    assert len({type(answer) for answer in answers}) == 2  # both the folder and the link were met


def exchange(one: Path, other: Path) -> None:
    """Let two names change places at one stroke, so that neither is ever missing (renameat2, RENAME_EXCHANGE)."""
    assert libc.renameat2(-100, bytes(one), -100, bytes(other), 2) == 0


def read_swapped() -> Answer:
    return files.read("swapped/secret.txt")


def write_swapped() -> Answer:
    return files.write("swapped/secret.txt", "inside")


def delete_swapped() -> Answer:
    return files.delete("swapped/secret.txt")


def attempt(action: Callable[[], Answer]) -> Answer | str:
    try:
        return action()
    except ToolError as exc:
        return str(exc)


def test_a_path_checked_and_then_swapped_is_still_the_checked_one(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The instant between the folder and the file, made certain: the folder is a link right after it was opened."""
    opened = directory.Directory.open_file

    def swapped_first(self: directory.Directory, name: str) -> int:
        (root / "a").rename(root / "moved")
        (root / "a").symlink_to(root.parent / "outside")
        return opened(self, name)

    (root / "a" / "secret.txt").write_text("inside")
    monkeypatch.setattr(directory.Directory, "open_file", swapped_first)
    assert files.read("a/secret.txt")["content"] == "inside"


def test_list_names_kinds_and_sizes(root: Path) -> None:
    (root / "a" / "c.txt").write_text("123")
    os.mkfifo(root / "a" / "pipe")
    (root / "a" / os.fsdecode(b"\xff")).touch()
    assert files.list_folder("a") == {
        "path": "a",
        "complete": True,
        "entries": [
            {"name": "c.txt", "kind": "file", "bytes": 3},
            {"name": "link.txt", "kind": "link", "bytes": 24},
            {"name": "pipe", "kind": "other", "bytes": 0},
            {"name": "\ufffd", "kind": "file", "bytes": 0},
        ],
    }
    assert [entry["name"] for entry in files.list_folder()["entries"]][:2] == ["a", "absolute.txt"]


def test_a_long_list_is_cut_and_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ENTRIES", 3)
    listed = files.list_folder(".")
    assert (len(listed["entries"]), listed["complete"]) == (3, False)


def test_read_gives_text_size_and_digest(root: Path) -> None:
    digest = hashlib.sha256(b"old\nlines\n").hexdigest()
    assert files.read("b.txt") == {"path": "b.txt", "content": "old\nlines\n", "bytes": 10, "sha256": digest}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b"\xff\xfe"), "not a text file"),
        (lambda path: path.write_bytes(b"a\0b"), "not a text file"),
        (lambda path: path.write_bytes("é".encode()[:1]), "not a text file"),
        (lambda path: path.write_bytes(b"x" * (texts.MAX_BYTES + 1)), "larger than 200,000 bytes"),
        (lambda path: path.mkdir(), "is not a file"),
        (os.mkfifo, "is not a file"),
        (lambda path: None, "does not exist"),
    ],
)
def test_read_refuses_what_is_not_a_text_file(root: Path, make: Callable[[Path], Any], reason: str) -> None:
    make(root / "odd")
    with pytest.raises(ToolError, match=reason):
        files.read("odd")


@pytest.mark.parametrize("value", ["", "relative", "/does/not/exist"])
def test_without_a_root_nothing_is_done(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("M1_FILES_ROOT", value)
    with pytest.raises(ToolError, match="M1_FILES_ROOT"):
        files.list_folder(".")


def test_write_makes_folders_and_replaces_whole(root: Path) -> None:
    assert files.write("new/deep/c.txt", "é")["created"]
    (root / "new" / "deep" / "c.txt").chmod(0o600)
    assert files.write("new/deep/c.txt", "two") == {
        "path": "new/deep/c.txt", "bytes": 3, "sha256": hashlib.sha256(b"two").hexdigest(), "created": False,
    }  # fmt: skip
    assert (root / "new/deep/c.txt").read_text() == "two"
    assert (root / "new/deep/c.txt").stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_no_other(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    before = snapshot(root)
    with pytest.raises(ToolError):
        files.write("b.txt", "new")
    assert snapshot(root) == before


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_write_and_delete_refuse_what_is_not_a_file(root: Path, kind: str) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    for action in (write_x, files.delete):
        with pytest.raises(ToolError, match="not a file"):
            action(kind)


def test_a_content_that_is_too_large_in_bytes_is_refused(root: Path) -> None:
    with pytest.raises(ToolError, match="larger than 200,000 bytes"):
        files.write("c.txt", "é" * 100_001)


def test_delete_removes_the_file(root: Path) -> None:
    assert files.delete("b.txt") == {"path": "b.txt", "bytes": 10, "deleted": True}
    assert not (root / "b.txt").exists()
    with pytest.raises(ToolError, match="does not exist"):
        files.delete("b.txt")


def test_previews_show_the_effect_and_have_none(root: Path) -> None:
    before = snapshot(root)
    old, new = (hashlib.sha256(text).hexdigest() for text in (b"old\nlines\n", b"new\nlines\n"))
    assert files.preview_write("b.txt", "new\nlines\n") == {
        "kind": "diff",
        "summary": f"Replaces 10 bytes (SHA-256 {old}) by 10 bytes (SHA-256 {new})",
        "body": "--- old/b.txt\n+++ new/b.txt\n@@ -1,3 +1,3 @@\n-old\n+new\n lines\n ",
    }
    assert files.preview_write("new/c.txt", "x")["body"].endswith("\n+x")
    assert files.preview_delete("b.txt") == {
        "kind": "text", "summary": f"Deletes 10 bytes (SHA-256 {old})", "body": "old\nlines\n",
    }  # fmt: skip
    assert snapshot(root) == before


def test_a_change_of_line_ends_shows_in_the_diff(root: Path) -> None:
    assert "-lines\n" in files.preview_write("b.txt", "old\nlines\r\n")["body"]
    assert "+lines\r" in files.preview_write("b.txt", "old\nlines\r\n")["body"]


def test_the_preview_of_a_large_or_binary_file_has_its_facts_only(root: Path) -> None:
    (root / "large").write_text("line\n" * 20_000)
    assert files.preview_write("large", "x")["kind"] == "text"
    (root / "binary").write_bytes(b"\xff" * 400_000)
    digest = hashlib.sha256(b"\xff" * 400_000).hexdigest()
    assert files.preview_delete("binary") == {
        "kind": "text", "summary": f"Deletes 400,000 bytes (SHA-256 {digest})", "body": "",
    }  # fmt: skip
