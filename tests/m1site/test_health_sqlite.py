"""SQLite takes nothing any more, and /health says so: a real file that is read-only, a real disk that is full."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import disk

# Asks three times: while all is well, when what is told on a line of its input has been done, and after it was undone.
CHILD = """
import os, sys
os.environ |= {"DATABASE_URL": f"sqlite:///{sys.argv[1]}/m1.sqlite3", "DJANGO_SETTINGS_MODULE": "m1site.settings"}
import django
django.setup()
from django.db import connection
from django.test import Client
named = connection.settings_dict["NAME"]
held = connection.copy()  # whoever closes a file last takes its log away, and makes room
held.cursor().execute("CREATE TABLE held (line text)")
for line in sys.stdin:
    name = f"file:{named}?mode=ro" if line == "read-only\\n" else named
    if name != connection.settings_dict["NAME"]:
        connection.close()
    connection.settings_dict["NAME"] = name
    connection.settings_dict["OPTIONS"]["uri"] = True
    answer = Client().get("/health", headers={"Host": "localhost"})
    print(answer.status_code, answer.json()["checks"]["database"], flush=True)
"""
WELL = "200 {'status': 'ok'}"


class Asked:
    """A process of M1's over a SQLite file."""

    def __init__(self, place: Path) -> None:
        argv = [sys.executable, "-c", CHILD, str(place)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def health(self, how: str = "") -> str:
        """Return status and words of /health."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{how}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate()


def test_a_file_that_is_read_only_is_503_with_a_sentence(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    try:
        assert asked.health() == WELL
        told = asked.health("read-only")
        assert told.startswith("503 {'status': 'failed'") and "read-only or full" in told
        assert asked.health() == WELL
    finally:
        asked.end()


def test_a_disk_that_is_full_is_503_until_there_is_room(tmp_path: Path) -> None:
    place = tmp_path / "small"
    if not disk.can_mount(place):
        pytest.skip("needs the right to mount")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)  # noqa: S607
    asked = Asked(place)
    try:
        assert asked.health() == WELL
        with disk.full(place):
            assert asked.health().startswith("503 {'status': 'failed'")
        assert asked.health() == WELL
    finally:
        asked.end()
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S607
