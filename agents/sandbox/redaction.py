"""A tool's own words, without the secrets that it was given, and without what its secrets could be guessed from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from agents import keyed_digests
from agents.sandbox.answer import ERROR_CHARACTERS
from agents.sandbox.values import Result
from policy.registry import Definition
from policy.reveal import reveal

LEAST_CHARACTERS = 4
"""Shorter values are words, numbers and flags: they would tear any sentence apart, and hide nothing."""


def without_secrets(result: Result, definition: Definition, variables: Mapping[str, str], arguments: bytes) -> Result:
    """Return the result with an error that names what it must not quote: `[SMTP_URL]`, `[password]`.

    variables   what the tool was granted, by name; of an address, its password alone is a secret as well
    """
    if not result.error:
        return result
    found = dict(_secrets(definition, variables, arguments))
    error = result.error
    for secret in sorted(found, key=len, reverse=True):
        error = error.replace(secret, f"[{found[secret]}]")
        if len(result.error) >= ERROR_CHARACTERS:  # which may have cut a secret in two
            error = _without_beginning(error, secret, found[secret])
    return replace(result, error=error[:ERROR_CHARACTERS])


def with_keyed_digest(result: Result, request_id: str) -> Result:
    """Return a sensitive result with a digest that says nothing about it to whoever does not hold M1's key.

    The note in the place of a result that was too large names the digest too.
    """
    if not result.output_digest:
        return result
    keyed = keyed_digests.of_result(result.output_digest, request_id)
    output = result.output.replace(result.output_digest, keyed) if result.truncated else result.output
    return replace(result, output=output, output_digest=keyed)


def _without_beginning(text: str, secret: str, name: str) -> str:
    longest = next(
        (size for size in range(len(secret) - 1, LEAST_CHARACTERS - 1, -1) if text.endswith(secret[:size])), 0
    )
    return f"{text[: len(text) - longest]}[{name}]" if longest else text


def _secrets(definition: Definition, variables: Mapping[str, str], arguments: bytes) -> Iterator[tuple[str, str]]:
    """Yield every text that is a secret, in each way in which an error may write it, with its name."""
    for name, value in variables.items():
        for text in (value, *value.splitlines(), _password(value)):
            yield from _written(text, name)
    given = json.loads(arguments)
    for name in definition.sensitive_arguments:
        for text in _texts(given.get(name)):
            yield from _written(text, name)


def _written(text: str, name: str) -> Iterator[tuple[str, str]]:
    for form in (text, reveal(text), quote(text, safe="", errors="replace"), json.dumps(text)[1:-1], repr(text)[1:-1]):
        if len(form) >= LEAST_CHARACTERS:
            yield form, name


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""
