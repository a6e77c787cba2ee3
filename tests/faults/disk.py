"""A database that takes nothing more: a small file system of its own that is full, or a server that is read-only."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.faults.site import Site

MEGABYTES = 200
CHUNK = b"\0" * 1_048_576


def can_mount(place: Path) -> bool:
    """Tell whether this machine lets us have a file system of our own."""
    place.mkdir()
    mounted = subprocess.run(_mount(place), capture_output=True, check=False).returncode == 0
    if mounted:
        subprocess.run(["umount", str(place)], check=True)  # noqa: S607
    return mounted


@contextmanager
def small_disk(site: Site) -> Iterator[Path]:
    """Have PostgreSQL keep its data on a small file system until the end of the block; return where that is."""
    data = site.postgres.cluster.directory / "data"
    aside = data.with_name("data-aside")
    site.postgres.end()
    data.rename(aside)
    data.mkdir(mode=0o700)
    subprocess.run(_mount(data), check=True)
    try:
        _copy(aside, data)
        site.postgres.begin_again()
        yield data
        site.postgres.end()
        shutil.rmtree(aside)
        _copy(data, aside)
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True)  # noqa: S607
    data.rmdir()
    aside.rename(data)
    site.postgres.begin_again()


@contextmanager
def full(place: Path) -> Iterator[None]:
    """Leave no room there, until the end of the block."""
    filler = place / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            size = len(CHUNK)
            while size:
                try:
                    size = min(file.write(CHUNK[:size]), size)
                except OSError:
                    size //= 2
        yield
    finally:
        filler.unlink()


@contextmanager
def read_only(site: Site) -> Iterator[None]:
    """Have the server refuse every change, in all sessions, until the end of the block."""
    _tell(site, "ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        yield
    finally:
        _tell(site, "ALTER SYSTEM RESET default_transaction_read_only")


def _tell(site: Site, statement: str) -> None:
    with psycopg.connect(site.postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())
        connection.execute("SELECT pg_reload_conf()")


def _mount(place: Path) -> list[str]:
    return ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0700", "tmpfs", str(place)]


def _copy(source: Path, target: Path) -> None:
    """Copy a directory's contents with owners and modes."""
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)  # noqa: S607
