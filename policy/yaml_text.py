"""YAML as policies may use it: what JSON can say, nothing that two readers could take differently.

No aliases, tags, merge keys, second documents or doubled keys; `no`, `010`, `1:30` and `2026-01-31` without quotes are
refused, since YAML 1.1 and 1.2 read them differently.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TypeAlias

import yaml

from audit.canonical import JSON
from policy.errors import DocumentError
from policy.reading import MAX_SHOWN, Path, dotted

Lines: TypeAlias = dict[Path, int]
MAX_BYTES, MAX_DEPTH = 5_000_000, 24
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_RESOLVER: Any = yaml.resolver.Resolver()
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?")
"""Behind the point up to what JSON's own shortest text of a number has at most: five noughts and 17 digits."""

# What only some readers take for a number (YAML 1.2) or a truth (YAML 1.1 to the letter).
_DOUBTFUL = re.compile(r"0o[0-7]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[yYnN]")
_WORDS: dict[str, JSON] = {"true": True, "false": False, "null": None}


def read(text: str) -> tuple[JSON, Lines]:
    """Return the value of a YAML text, and the line where each of its fields begins.

    Raises DocumentError.
    """
    try:
        if len(text.encode()) > MAX_BYTES:
            refuse([problem(0, (), f"is larger than {MAX_BYTES} bytes")])
        return _Reader(yaml.parse(text, Loader=_LOADER)).document()
    except UnicodeEncodeError:
        refuse([problem(0, (), "holds half a character (a lone surrogate)")])
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 0
        refuse([problem(line, (), f"is not YAML: {exc.problem}")])
    except yaml.YAMLError:
        refuse([problem(0, (), "is not YAML: it holds a character that YAML does not allow")])


def write(value: JSON) -> str:
    """Return a value as a YAML text that `read` reads back equal."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


def problem(line: int, path: Path, what: str) -> dict[str, object]:
    """Return one thing wrong with a document, as people and programs read it."""
    return {"line": line, "field": dotted(path), "problem": what}


def refuse(problems: list[dict[str, object]]) -> NoReturn:
    """Raise the error that names everything wrong, the first of it in its sentence."""
    first, more = problems[0], f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    where = f"line {first['line']}, {first['field']}" if first["line"] else str(first["field"])
    raise DocumentError(summary=f"{where}: {first['problem']}{more}", problems=problems) from None


class _Reader:
    """Builds the value from parser events, so that nothing deep or aliased is ever built first."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._lines: Lines = {}

    def document(self) -> tuple[JSON, Lines]:
        next(self._events)  # the stream begins
        if isinstance(next(self._events), yaml.StreamEndEvent):
            refuse([problem(1, (), "is empty")])
        value = self._node(next(self._events), ())
        next(self._events)  # the document ends
        if not isinstance(following := next(self._events), yaml.StreamEndEvent):
            self._refuse(following, (), "is followed by a second document")
        return value, self._lines

    def _node(self, event: Any, path: Path) -> JSON:
        self._lines.setdefault(path, _line_of(event))
        if len(path) > MAX_DEPTH:
            self._refuse(event, path, f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._refuse(event, path, "uses an anchor or alias (& or *); put a text that begins so in quotes")
        if event.tag is not None:
            self._refuse(event, path, "uses a tag (!); put a text that begins so in quotes")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return str(event.value) if event.style else self._plain(event, path)

    def _mapping(self, path: Path) -> dict[str, JSON]:
        found: dict[str, JSON] = {}
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent) or key.anchor is not None or key.tag is not None:
                self._refuse(key, path, "has a field whose name is not a plain text")
            here = (*path, key.value)
            if key.value in found:
                self._refuse(key, here, f"stands here twice, first in line {self._lines[here]}")
            self._lines[here] = _line_of(key)
            found[key.value] = self._node(next(self._events), here)
        return found

    def _sequence(self, path: Path) -> list[JSON]:
        found: list[JSON] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, (*path, len(found))))
        return found

    def _plain(self, event: Any, path: Path) -> JSON:
        value, sure = plain(event.value)
        if not sure:
            said = f'"{event.value[:MAX_SHOWN]}" can be read in two ways' if event.value else "says nothing"
            self._refuse(event, path, f"{said}; write true, false, null or a JSON number, or put it in quotes")
        return value

    def _refuse(self, event: Any, path: Path, what: str) -> NoReturn:
        refuse([problem(_line_of(event), path, what)])


def plain(written: str) -> tuple[JSON, bool]:
    """Return what a word without quotes means, and whether every reader of YAML agrees."""
    if written in _WORDS:
        return _WORDS[written], True
    if _INTEGER.fullmatch(written):
        return int(written), True
    if NUMBER.fullmatch(written):
        return float(written), math.isfinite(float(written))
    tag = _RESOLVER.resolve(yaml.ScalarNode, written, (True, False))
    return written, tag == "tag:yaml.org,2002:str" and not _DOUBTFUL.fullmatch(written)


def _line_of(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Dumper(_DUMPER):  # type: ignore[misc]
    """PyYAML's writer, with quotes wherever `plain` would not give the same text back."""


def _write_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None if plain(text) == (text, True) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)
