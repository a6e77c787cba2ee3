"""The set-up: what it installs is pinned and checked, and a finished one is told from one that was killed."""

import re
import tomllib
from pathlib import Path

import pytest

from deploy import bootstrap

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "deploy").glob("requirements*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_a_version_and_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"\n(?=\S)", text.replace("\\\n", ""))
    assert all(re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)
    assert not re.search(r"://|--index|--find-links|@|/", text)


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.txt", ["demo"]), ("requirements-dev.txt", ["demo", "dev"])]
)
def test_the_lock_has_every_dependency_of_the_project(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + sum((project["optional-dependencies"][extra] for extra in extras), [])
    locked = re.findall(r"^[a-z0-9-]+(?===)", (ROOT / "deploy" / lock).read_text(), re.MULTILINE)
    assert {re.split(r"[\[<>=]", name)[0] for name in wanted} <= set(locked)


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment that a set-up with --dev has finished."""
    for name, path in {"VENV": "", "PYTHON": "python", "UNFINISHED": "unfinished"}.items():
        monkeypatch.setattr(bootstrap, name, tmp_path / path)
    (tmp_path / "python").touch()
    for kind in ("runtime", "dev"):
        file, content = bootstrap.stamp(kind)
        file.write_text(content)
    return tmp_path


def test_a_finished_set_up_is_ready_for_both_uses(finished: Path) -> None:
    assert bootstrap.is_ready("runtime")
    assert bootstrap.is_ready("dev")


def test_a_killed_set_up_is_not_ready(finished: Path) -> None:
    (finished / "unfinished").touch()
    assert not bootstrap.is_ready("runtime")


def test_a_set_up_whose_python_is_gone_is_not_ready(finished: Path) -> None:
    (finished / "python").unlink()
    assert not bootstrap.is_ready("runtime")


def test_a_changed_lock_needs_a_new_set_up(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "requirements-uv.txt"
    other.write_text("uv==0")
    monkeypatch.setattr(bootstrap, "UV_LOCK", other)
    assert not bootstrap.is_ready("runtime")
