"""Paths, addresses and hosts, judged only where every reader would read them alike; anything else is refused.

A lenient reader is how a rule is walked around: `archive/../secret`, `https://good@evil`, `x@evil.com, y@good.com`.
"""

import ipaddress
import re

from policy.arguments import Seen
from policy.errors import UnjudgedError
from policy.operators import kinds

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*"
_MAILBOX = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@({_HOST})")
_URL = re.compile(rf"[hH][tT][tT][pP][sS]?://({_HOST})\.?(?::[0-9]{{1,5}})?(?:[/?#][!-\[\]-~]*)?")  # (?i) takes ſ for s
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
MAX_MAILBOX, MAX_HOST, MAX_URL, MAX_PATH = 320, 253, 4_000, 4_000
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def mail_domain(value: Seen) -> str:
    """Return the domain, in small letters, of one bare ASCII mail address."""
    return _host(value, _MAILBOX, MAX_MAILBOX, "one plain mail address like name@example.com")


def url_host(value: Seen) -> str:
    """Return the host, in small letters, of a plain http or https address: no credentials, no disguises."""
    host = _host(value, _URL, MAX_URL, "a plain http or https address")
    if _NUMERIC.fullmatch(host.rpartition(".")[2]):
        _plain_address(host)
    return host


def segments(value: Seen) -> tuple[bool, tuple[str, ...]]:
    """Return whether a path is absolute, and its segments; `.` and doubled slashes fall away.

    Refuses what a file system and this function could read differently: `..`, a backslash, a control character, `~`.
    """
    path = kinds.text(value)
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if not path or len(path) > MAX_PATH or ".." in parts or path.startswith("~"):
        raise UnjudgedError(problem="is not a plain path (empty, too long, with .. or ~)")
    if "\\" in path or any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise UnjudgedError(problem="is not a plain path (a backslash or a control character)")
    return path.startswith("/"), parts


def is_inside(value: Seen, directory: tuple[bool, tuple[str, ...]]) -> bool:
    """Return whether a path is the directory or lies in it; the text decides, links are the tool's to refuse."""
    absolute, parts = segments(value)
    if absolute != directory[0]:
        raise UnjudgedError(problem="and the rule's directory are not both absolute or both relative")
    return parts[: len(directory[1])] == directory[1]


def _host(value: Seen, form: re.Pattern[str], most: int, name: str) -> str:
    written = kinds.text(value)
    found = form.fullmatch(written) if len(written) <= most else None
    if not found or len(found[1]) > MAX_HOST:
        raise UnjudgedError(problem=f"is not {name}")
    return found[1].lower()


def _plain_address(host: str) -> None:
    """Refuse the many other ways to write an IPv4 address: 0x7f.1, 2130706433, 0177.0.0.1."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise UnjudgedError(problem="has a host that is a number in disguise") from None
