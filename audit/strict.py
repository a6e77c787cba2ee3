"""JSON as it comes in: parsed once, at the door, and refused where two readers could disagree about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn, TypeAlias

from audit.errors import MalformedJSONError

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"

SAFE_NUMBER = 2**53 - 1
"""Above this, doubles skip integers (RFC 7493, section 2.2): such numbers travel as strings."""

# Possessive, so that a string that never ends costs one pass and no more.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKET = re.compile(r"[^\[\]{}]+")
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Limits:
    """The most that a document may hold: bytes of text, levels of nesting, object keys in all, digits of a number."""

    bytes: int = 1_048_576
    depth: int = 64
    keys: int = 10_000
    digits: int = 64


def parse(data: bytes, *, limits: Limits = Limits()) -> JSON:  # noqa: B008 - frozen
    """Return the JSON value that the bytes hold, with nothing in it that another reader could take differently.

    Raises MalformedJSONError: limits passed, not UTF-8, not JSON, a key twice in an object, NaN or Infinity, a number
    beyond ±(2^53 - 1), NUL or a lone surrogate. Canonical bytes parse to the value that they were made from.
    """
    if len(data) > limits.bytes:
        _refuse(f"more than {limits.bytes} bytes")
    try:
        text = data.decode("utf-8")
        _check_depth(text, limits.depth)
        value: JSON = _decoder(limits, text).decode(text)
    except UnicodeDecodeError as exc:
        _refuse(f"not UTF-8 at byte {exc.start}")
    except json.JSONDecodeError as exc:
        _refuse(f"{exc.msg} at line {exc.lineno}, column {exc.colno}")
    except RecursionError:
        _refuse(f"nested deeper than {limits.depth} levels")
    if "\\u" in text:  # decoded UTF-8 holds no surrogate, and a raw NUL is not JSON: only an escape brings them in
        _check_text(value)
    return value


def _refuse(reason: str) -> NoReturn:
    raise MalformedJSONError(reason=reason) from None


def _check_depth(text: str, limit: int) -> None:
    """Count brackets outside strings before anything recurses into them."""
    if text.count("[") + text.count("{") <= limit:
        return  # as in nearly every call: not even all of them together
    depth = 0
    for bracket in _NOT_BRACKET.sub("", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > limit:
            _refuse(f"nested deeper than {limit} levels")


def _decoder(limits: Limits, text: str) -> json.JSONDecoder:
    """Return a decoder that keeps the limits; one that counts keys only where there are as many colons."""
    return _made(limits) if text.count(":") <= limits.keys else _counting(limits)


@lru_cache(16)
def _made(limits: Limits) -> json.JSONDecoder:
    return _decoding(limits, _unique)


def _counting(limits: Limits) -> json.JSONDecoder:
    keys_left = limits.keys

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal keys_left
        keys_left -= len(pairs)
        if keys_left < 0:
            _refuse(f"more than {limits.keys} keys")
        return _unique(pairs)

    return _decoding(limits, to_object)


def _decoding(limits: Limits, to_object: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=to_object,
        parse_int=lambda digits: int(_in_range(digits, limits.digits)),
        parse_float=lambda digits: float(_in_range(digits, limits.digits)),
        parse_constant=_refuse_constant,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        _refuse(f"the key {ascii(twice[:60])} stands twice in one object")
    return found


def _in_range(digits: str, limit: int) -> str:
    if len(digits) > limit:
        _refuse(f"a number of more than {limit} digits")
    if not abs(float(digits)) <= SAFE_NUMBER:
        _refuse(f"the number {digits} is beyond ±{SAFE_NUMBER}; send it as a string")
    return digits


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a JSON number")


def _check_text(value: JSON) -> None:
    if isinstance(value, str):
        if _NOT_TEXT.search(value):
            _refuse("a string holds NUL or half of a surrogate pair")
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
