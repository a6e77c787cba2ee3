"""Where M1 is and who calls: M1_URL and M1_API_KEY, else what `m1 login` has kept."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import click

DEFAULT_URL = "http://localhost:8000"


@dataclass(frozen=True)
class Login:
    """An address and a key for it."""

    url: str
    key: str


def file() -> Path:
    """Return the file of `m1 login`."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "m1" / "login.json"


def load() -> Login:
    """Return address and key. Raises UsageError where there is no key, or one for another address only."""
    kept = _kept()
    url = (os.environ.get("M1_URL") or kept.get("url") or DEFAULT_URL).rstrip("/")
    key = os.environ.get("M1_API_KEY", "")
    if not key and kept.get("url") == url:  # a kept key goes to no address but its own
        key = kept.get("key", "")
    if not key:
        raise click.UsageError(f"There is no API key for {url}: call `m1 login`, or set M1_API_KEY.")
    return Login(url, key)


def save(login: Login) -> Path:
    """Keep the login where only its owner reads it, and return where."""
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump({"url": login.url, "key": login.key}, stream)
    new.replace(path)
    return path


def _kept() -> dict[str, str]:
    try:
        kept = json.loads(file().read_text())
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in kept.items() if isinstance(value, str)} if isinstance(kept, dict) else {}
