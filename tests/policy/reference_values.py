"""One value against one operator, slowly: by splitting and counting where the engine has patterns and libraries."""

import re
from datetime import date
from fractions import Fraction
from typing import Any

IN_PYTHON = {"(?:(?i)b)ob": "[bB]ob", "\\Qab\\Ec": "abc", "a\\z": "a\\Z"}  # patterns that RE2 writes otherwise
DIGITS, LETTERS = set("0123456789"), set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
MAIL = DIGITS | LETTERS | set(".!#$%&'*+/=?^_`{|}~-")
URL = {chr(code) for code in range(0x21, 0x7F)} - {"\\"}
ORDER = {"equals": "=", "greater_than": ">", "at_least": ">=", "less_than": "<", "at_most": "<=", "not_equals": "<>"}


class UnclearError(Exception):
    """The condition has no answer for this call."""


def passes(operator: str, wanted: Any, seen: Any) -> bool:
    if operator in ("in", "not_in"):
        return any([passes("equals", one, seen) for one in wanted]) == (operator == "in")
    if operator in ORDER:
        left, right = plain(seen, like=wanted), plain(own(wanted), like=wanted)
        return ("<" if left < right else ">" if left > right else "=") in ORDER[operator]
    if operator.startswith("length"):
        need(isinstance(seen, str | list))
        return len(seen) <= wanted if operator == "length_at_most" else len(seen) >= wanted
    need(isinstance(seen, str))
    if operator == "path_inside":
        (is_absolute, steps), (root, above) = folders(seen), folders(wanted)
        need(is_absolute == root)
        return steps[: len(above)] == above
    if operator in ("url_host_in", "email_domain_in"):
        return (url_host(seen) if operator == "url_host_in" else mail_domain(seen)) in wanted
    if operator == "matches":
        need(len(seen) <= 10_000 and not any(0xD800 <= ord(letter) <= 0xDFFF for letter in seen))
        return re.fullmatch(IN_PYTHON.get(wanted, wanted), seen, re.ASCII) is not None
    if operator == "contains":
        return seen.find(wanted) >= 0
    return (seen[: len(wanted)] if operator == "starts_with" else seen[-len(wanted) :]) == wanted


def need(is_clear: bool) -> None:
    if not is_clear:
        raise UnclearError


def own(wanted: Any) -> Any:
    return next(iter(wanted.values())) if isinstance(wanted, dict) else wanted


def plain(seen: Any, *, like: Any) -> Any:
    """Return a value as something that Python orders as the kind of `like` does; of any other kind it is unclear."""
    kind = next(iter(like)) if isinstance(like, dict) else type(like).__name__.replace("int", "float")
    if kind == "float":
        need(type(seen) in (int, float) and seen == seen and abs(seen) != float("inf"))
        return Fraction(seen)
    need(type(seen) is (bool if kind == "bool" else str))
    return {"decimal": decimal, "date": day, "time": instant}[kind](seen) if isinstance(like, dict) else seen


def decimal(text: str) -> Fraction:
    parts = text.removeprefix("-").split(".")
    need(len(parts) <= 2 and all(1 <= len(part) <= 30 and set(part) <= DIGITS for part in parts))
    return Fraction(text)


def day(text: str) -> int:
    parts = text.split("-")
    need([len(part) for part in parts] == [4, 2, 2] and set("".join(parts)) <= DIGITS)
    try:
        return date(*map(int, parts)).toordinal()
    except ValueError:
        raise UnclearError from None


def instant(text: str) -> Fraction:
    """Return the seconds since year 1, at an offset of no hours."""
    form = "dddd-dd-ddTdd:dd:dd"
    shape = "".join("d" if letter in DIGITS else letter for letter in text)
    zone = "Z" if shape.endswith("Z") else shape[-6:]
    fraction = text[len(form) : len(text) - len(zone)]
    need(shape.startswith(form) and zone in ("Z", "+dd:dd", "-dd:dd") and len(text) >= len(form) + len(zone))
    need(not fraction or (fraction[0] == "." and 1 <= len(fraction[1:]) <= 6 and set(fraction[1:]) <= DIGITS))
    hours, minutes = (0, 0) if zone == "Z" else (int(text[-5:-3]), int(text[-2:]))
    hour, minute, second = (int(text[at : at + 2]) for at in (11, 14, 17))
    need(hour < 24 and minute < 60 and second < 60 and hours < 24 and minutes < 60)
    offset = (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
    return day(text[:10]) * 86400 + hour * 3600 + minute * 60 + second + Fraction(f"0{fraction}") - offset


def folders(path: str) -> tuple[bool, list[str]]:
    need(0 < len(path) <= 4000 and path[0] != "~" and "\\" not in path)
    need(not any(ord(letter) < 32 or ord(letter) == 127 for letter in path))
    steps = [step for step in path.split("/") if step not in ("", ".")]
    need(".." not in steps)
    return path[0] == "/", steps


def host(text: str) -> str:
    for label in text.split("."):
        need(1 <= len(label) <= 63 and set(label) <= DIGITS | LETTERS | {"-"} and "-" not in (label[0], label[-1]))
    need(len(text) <= 253)
    return text.lower()


def mail_domain(text: str) -> str:
    name, at, domain = text.partition("@")
    need(len(text) <= 320 and 1 <= len(name) <= 64 and set(name) <= MAIL and at == "@")
    return host(domain)


def url_host(text: str) -> str:
    scheme, mark, rest = text.partition("://")
    need(len(text) <= 4000 and set(text) <= URL and scheme.lower() in ("http", "https") and mark == "://")
    end = min((rest.index(letter) for letter in "/?#" if letter in rest), default=len(rest))
    name, colon, port = rest[:end].partition(":")
    need(not colon or (1 <= len(port) <= 5 and set(port) <= DIGITS))
    name = host(name.removesuffix("."))
    last = name.split(".")[-1]
    if set(last) <= DIGITS or (last.startswith("0x") and set(last[2:]) <= DIGITS | set("abcdef")):
        parts = name.split(".")
        need(
            len(parts) == 4
            and all(set(part) <= DIGITS and str(int(part)) == part and int(part) < 256 for part in parts)
        )
    return name
