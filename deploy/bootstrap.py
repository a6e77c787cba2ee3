"""Make .venv with what M1 needs, every download checked against the hashes in deploy/.

Standard library only. A second call finds its stamp and does nothing; what a killed call left behind is made anew.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one is to be told
    sys.exit("m1: Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ...")

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
UNFINISHED = VENV / "m1-unfinished"  # exists while an install runs, so that the next call notices a killed one
LOCKS = {"runtime": ROOT / "deploy" / "requirements.txt", "dev": ROOT / "deploy" / "requirements-dev.txt"}
UV_LOCK = ROOT / "deploy" / "requirements-uv.txt"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
MINOR = f"python{sys.version_info[0]}.{sys.version_info[1]}"
NO_PIP = f"""m1: {sys.executable} can make no virtual environment with pip. Install what it lacks, then call again:
  Debian, Ubuntu: apt-get install python3-venv
  elsewhere:      make PYTHON=/path/to/another/python3 ..."""


class StepError(Exception):
    """A program ended with an error; its own output has said why."""


def run(*command: object, lock: int) -> None:
    """Run a program. It inherits the lock, so that what outlives a killed set-up keeps the next call waiting."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        subprocess.run([str(part) for part in command], check=True, cwd=ROOT, env=environment, pass_fds=[lock])
    except (OSError, subprocess.CalledProcessError) as exc:
        raise StepError(str(exc)) from None


def stamp(kind: str) -> tuple[Path, str]:
    """Return the file that says that the environment is ready, and what it must contain."""
    digest = hashlib.sha256(f"{ROOT} {MINOR}".encode())
    for file in (Path(__file__), ROOT / "pyproject.toml", UV_LOCK, *LOCKS.values()):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return VENV / f"m1-ready-{kind}", digest.hexdigest()


def is_ready(kind: str) -> bool:
    """Return whether a former call finished, and nothing that it installed from has changed since."""
    file, content = stamp(kind)
    return PYTHON.exists() and not UNFINISHED.exists() and file.is_file() and file.read_text() == content


def make_venv(lock: int) -> None:
    """Make .venv anew. Debian's Python may come without ensurepip; a pip from outside then fills it."""
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    UNFINISHED.touch()
    try:
        run(sys.executable, "-m", "venv", VENV, lock=lock)
    except StepError:
        if not importlib.util.find_spec("pip"):
            sys.exit(NO_PIP)
        run(sys.executable, "-m", "venv", "--without-pip", VENV, lock=lock)


def pip(*arguments: object, lock: int) -> None:
    """Call the environment's own pip, or the one of the Python outside where it has none."""
    own = any(VENV.glob("lib/python*/site-packages/pip/__init__.py"))
    command = [PYTHON, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", PYTHON]
    run(*command, "--disable-pip-version-check", *arguments, lock=lock)


def install(requirements: Path, lock: int) -> None:
    """Install the locked packages and M1 itself (editable, nothing fetched): by uv, else by pip."""
    checked = ["--require-hashes", "--only-binary", ":all:", "-r", requirements]
    project = ["--no-deps", "--no-build-isolation", "-e", ROOT]
    try:
        pip("install", "--quiet", "--require-hashes", "-r", UV_LOCK, lock=lock)
        run(UV, "--system-certs", "pip", "install", "--python", PYTHON, *checked, lock=lock)
        run(UV, "pip", "install", "--quiet", "--offline", "--python", PYTHON, *project, lock=lock)
    except StepError as exc:
        print(f"m1: {exc}\nm1: going on with pip, which takes longer", flush=True)
        pip("install", "--progress-bar", "off", *checked, lock=lock)
        pip("install", "--quiet", "--no-index", *project, lock=lock)


def set_up(kind: str, lock: int) -> None:
    """Bring .venv to what the locks say, and leave the stamp."""
    if UNFINISHED.exists() or not PYTHON.exists() or not (VENV / "lib" / MINOR).is_dir():
        make_venv(lock)
    UNFINISHED.touch()
    install(LOCKS[kind], lock)
    for done in {"runtime", kind}:
        file, content = stamp(done)
        file.write_text(content)
    UNFINISHED.unlink()


def add_browser(lock: int) -> None:
    """Install Chromium from the system's packages where that is possible; else say why the tests do without."""
    if any(map(shutil.which, CHROMIUM)):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("m1: no Chromium on PATH, and only root on Debian can install it; its tests will not run", flush=True)
        return
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
    apt += ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=30", "-o", "DPkg::Lock::Timeout=60"]
    try:
        run(*apt, "update", lock=lock)
        run(*apt, "install", "--no-install-recommends", "chromium", "fonts-dejavu-core", lock=lock)
    except StepError as exc:
        print(f"m1: Chromium could not be installed ({exc}); its tests will not run", flush=True)


def main() -> None:
    """Do what the arguments ask, one set-up at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--dev", action="store_true", help="with the tools of tests and checks")
    parser.add_argument("--browser", action="store_true", help="with Chromium, where the system's packages have it")
    options = parser.parse_args()
    kind = "dev" if options.dev else "runtime"
    lock = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        if not is_ready(kind):
            set_up(kind, lock)
    except StepError as exc:
        sys.exit(f"m1: the set-up failed: {exc}")
    if options.browser:
        add_browser(lock)


if __name__ == "__main__":
    main()
