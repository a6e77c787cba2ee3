"""Strict readers for the fields of a policy: what is not exactly right is refused, by name."""

import difflib
import re
from collections.abc import Collection, Hashable, Iterable
from typing import TypeAlias

from audit.canonical import JSON
from policy.errors import FieldError

Path: TypeAlias = tuple[str | int, ...]
MAX_SHOWN = 60
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def dotted(path: Path) -> str:
    """Return where a field stands as people write it: `rules[0].when[1].value`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step[:MAX_SHOWN]}" for step in path)
    return "".join(parts).removeprefix(".") or "document"


def wrong(path: Path, problem: str) -> FieldError:
    """Return the error that names a field and what is wrong with it."""
    return FieldError(field=dotted(path), path=path, problem=problem)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for a slip of the keyboard, else nothing."""
    close = difflib.get_close_matches(name[:MAX_SHOWN], list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def mapping(value: JSON, path: Path, required: Collection[str], optional: Collection[str] = ()) -> dict[str, JSON]:
    """Return a mapping that has every required field and no unknown one."""
    if not isinstance(value, dict):
        raise wrong(path, "must be a mapping of fields")
    for name in value:
        if name not in required and name not in optional:
            raise wrong((*path, name), f"is not a field here{suggestion(name, (*required, *optional))}")
    for name in required:
        if name not in value:
            raise wrong((*path, name), "is missing")
    return value


def text(value: JSON, path: Path, *, most: int, pattern: re.Pattern[str] | None = None, hint: str = "") -> str:
    """Return a text with something in it, no control characters, of a bounded length and, if given, of one form."""
    if not isinstance(value, str):
        raise wrong(path, "must be a text; put it in quotes")
    if not value.strip():
        raise wrong(path, "is empty")
    if len(value) > most:
        raise wrong(path, f"is longer than {most} characters")
    if _CONTROLS.search(value):
        raise wrong(path, "holds control characters")
    if pattern and not pattern.fullmatch(value):
        raise wrong(path, hint)
    return value


def integer(value: JSON, path: Path, *, least: int, most: int) -> int:
    """Return a whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong(path, "must be a whole number")
    if not least <= value <= most:
        raise wrong(path, f"must be between {least} and {most}")
    return value


def boolean(value: JSON, path: Path) -> bool:
    """Return true or false, nothing that resembles them."""
    if not isinstance(value, bool):
        raise wrong(path, "must be true or false")
    return value


def sequence(value: JSON, path: Path, *, most: int, least: int = 0) -> list[JSON]:
    """Return a list of a bounded length."""
    if not isinstance(value, list):
        raise wrong(path, "must be a list: write it in [brackets]")
    if len(value) < least:
        raise wrong(path, "is empty")
    if len(value) > most:
        raise wrong(path, f"has more than {most} entries")
    return value


def once(values: Iterable[Hashable], path: Path) -> None:
    """Refuse a list that says the same thing twice: one of them was meant to be something else."""
    seen: set[Hashable] = set()
    for position, value in enumerate(values):
        if value in seen:
            raise wrong((*path, position), "repeats an earlier entry")
        seen.add(value)


def texts(
    value: JSON, path: Path, *, most: int, pattern: re.Pattern[str], hint: str, least: int = 0
) -> tuple[str, ...]:
    """Return a list of distinct texts of one form."""
    entries = sequence(value, path, most=most, least=least)
    found = tuple(
        text(entry, (*path, position), most=200, pattern=pattern, hint=hint) for position, entry in enumerate(entries)
    )
    once(found, path)
    return found
