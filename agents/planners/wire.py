"""Cut a JSON text into pieces without changing a character of them.

A parsed and printed number is another number (`1.0`, 30 digits), and a parsed duplicate key is gone. So the planner
cuts the source: a reply goes back to the model, and arguments go to the policy check, as they were written.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

_SPACE = re.compile(r"[ \t\n\r]*")
_COLON = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,?[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


class WireError(ValueError):
    """The text is not the JSON that the Messages API speaks."""


def _refuse(constant: str) -> NoReturn:
    raise WireError(f"{constant} is not JSON")


# Numbers stay text: only the ends are of interest, and Python refuses to convert very long ones.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)


@dataclass(frozen=True)
class Node:
    """One value inside a JSON text that has been found valid as a whole."""

    text: str
    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> "Node":
        """Return the single value that the text holds. Raises WireError, also when it is nested too deeply."""
        try:
            node = _node(text, _past(_SPACE, text, 0))
        except RecursionError:
            raise WireError("nested too deeply") from None
        except json.JSONDecodeError as error:
            raise WireError(f"{error.msg} at character {error.pos}") from None
        if _past(_SPACE, text, node.end) != len(text):
            raise WireError(f"more text after the value at character {node.end}")
        return node

    @property
    def source(self) -> str:
        """The value as it was written."""
        return self.text[self.start : self.end]

    @property
    def is_object(self) -> bool:
        """The value is a JSON object."""
        return self.text[self.start] == "{"

    def string(self) -> str | None:
        """Return the value if it is a string, else None."""
        if self.text[self.start] != '"':
            return None
        value, _ = _DECODER.raw_decode(self.text, self.start)
        return str(value)

    def items(self) -> list["Node"]:
        """Return the elements of an array. Raises WireError for anything else."""
        if self.text[self.start] != "[":
            raise WireError("expected an array")
        return list(self._items())

    def members(self) -> list["Member"]:
        """Return the members of an object in their order, duplicates included. Raises WireError for anything else."""
        if not self.is_object:
            raise WireError("expected an object")
        return list(self._members())

    def fields(self) -> dict[str, "Node"]:
        """Return the members of an object by key. Raises WireError for a duplicate, since either could be meant."""
        members = self.members()
        fields = {member.key: member.value for member in members}
        if len(fields) != len(members):
            raise WireError("duplicate key in an object")
        return fields

    def _items(self) -> Iterator["Node"]:
        position = _past(_SPACE, self.text, self.start + 1)
        while self.text[position] != "]":
            node = _node(self.text, position)
            yield node
            position = _past(_COMMA, self.text, node.end)

    def _members(self) -> Iterator["Member"]:
        position = _past(_SPACE, self.text, self.start + 1)
        while self.text[position] != "}":
            key = _node(self.text, position)
            value = _node(self.text, _past(_COLON, self.text, key.end))
            yield Member(key.string() or "", self.text[key.start : value.end], value)
            position = _past(_COMMA, self.text, value.end)


@dataclass(frozen=True)
class Member:
    """One member of an object: its key as meant, the source of key and value as written, and the value."""

    key: str
    source: str
    value: Node


def string_field(fields: dict[str, Node], name: str) -> str:
    """Return a field that is a string; "" where it is missing or something else."""
    node = fields.get(name)
    return (node.string() if node else None) or ""


def dump(value: Any) -> str:
    """Return a value of ours as JSON text for the wire."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def readable(text: str, limit: int | None = None) -> str:
    """Return text that UTF-8 and PostgreSQL can hold: NUL and lone surrogates are shown as signs, and cut at the limit.

    A cut is marked, with the length that the text had.
    """
    text = _SURROGATE.sub("\ufffd", text.replace("\x00", "\u2400"))
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}\n[M1: cut here; {limit} of {len(text)} characters shown]"


def _past(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Return where the pattern ends that begins here; none of the patterns can fail inside valid JSON."""
    match = pattern.match(text, position)
    return match.end() if match else position


def _node(text: str, start: int) -> Node:
    _, end = _DECODER.raw_decode(text, start)
    return Node(text, start, end)
