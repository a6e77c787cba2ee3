"""The variables that a tool gets: those it declared, as they are or out of a mounted file."""

from __future__ import annotations

from collections.abc import Mapping

from environ.fileaware_mapping import FileAwareMapping

from policy.registry import Definition

MAX_BYTES = 100_000
"""Of one value; execve(2) takes no more than 128 KiB."""


class UnusableVariable(Exception):
    """A variable's file cannot be read, or holds what no variable can."""


def granted(definition: Definition, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by name. `NAME_FILE` wins over `NAME`, and is read for every call: a secret may be rotated.

    Raises UnusableVariable.
    """
    values = FileAwareMapping(environment, cache=False)
    found = {name: _value(name, values) for name in definition.environment}
    return {name: value for name, value in found.items() if value is not None}


def _value(name: str, values: Mapping[str, str]) -> str | None:
    try:
        value = values.get(name)
    except (OSError, ValueError) as exc:
        raise UnusableVariable(f"{name}_FILE cannot be read ({type(exc).__name__})") from None
    if value and ("\0" in value or len(value.encode("utf-8", "surrogateescape")) > MAX_BYTES):
        raise UnusableVariable(f"{name} holds a NUL or more than {MAX_BYTES:,} bytes")
    return value
