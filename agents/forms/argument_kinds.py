"""The boxes in which a person edits one argument: text, lines, a number, a choice, and JSON for everything else.

A kind is taken only where it shows the present value without loss; JSON shows every value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error, MalformedJSONError

ONE_LINE = 256


class WrongValueError(M1Error):
    """{problem}"""

    code = "wrong_value"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one argument is written in its box, and read from it.

    name     of the box: text, line, lines, number, choice, json
    show     the text of a value, with line breaks as "\\n"; `read` of it is the value again
    read     raises WrongValueError
    options  of a choice: texts and what people read
    """

    name: str
    show: Callable[[JSON], str]
    read: Callable[[str], JSON]
    options: tuple[tuple[str, str], ...] = ()


def kind_of(schema: object, value: JSON, *, is_there: bool) -> Kind:
    """Return the kind of box for an argument of this schema, whose present value it shows without loss."""
    declared = schema if isinstance(schema, Mapping) else {}
    found = _by_schema(declared)
    return found if not is_there or _is_shown(found, value) else AS_JSON


def _by_schema(declared: Mapping[str, JSON]) -> Kind:
    if "const" in declared:
        return _choice([declared["const"]])
    if isinstance(options := declared.get("enum"), list):
        return _choice(options)
    items = declared.get("items")
    match declared.get("type"):
        case "boolean":
            return _choice([True, False])
        case "string":
            most = declared.get("maxLength")
            return LINE if isinstance(most, int) and most <= ONE_LINE else TEXT
        case "integer" | "number":
            return NUMBER
        case "array" if isinstance(items, Mapping) and items.get("type") == "string":
            return LINES
    return AS_JSON


def _is_shown(kind: Kind, value: JSON) -> bool:
    """Tell whether the value comes back from the box as it went in, through a browser too."""
    try:
        text = kind.show(value)
        same = canonical.encode(kind.read(text)) == canonical.encode(value)
    except (M1Error, TypeError):
        return False
    return same and "\r" not in text and not (kind is LINE and "\n" in text)


def _text(value: JSON) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _plain(text: str) -> JSON:
    if "\0" in text:
        raise WrongValueError(problem="A text cannot hold the character NUL.")
    return text


def _as_lines(value: JSON) -> str:
    if not isinstance(value, list):
        raise TypeError
    return "\n".join(map(_text, value))


def _from_lines(text: str) -> JSON:
    return [_plain(line) for line in text.split("\n") if line]


def _as_number(value: JSON) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return _json(value)


def _from_number(text: str) -> JSON:
    try:
        value = canonical.parse(text.strip().encode())
        _as_number(value)
    except (MalformedJSONError, TypeError):
        raise WrongValueError(problem="Write a number, such as 12 or 0.5.") from None
    return value


def _json(value: JSON) -> str:
    return canonical.encode(value).decode()


def _from_json(text: str) -> JSON:
    try:
        return canonical.parse(text.encode())
    except MalformedJSONError as exc:
        raise WrongValueError(problem=f"This is not JSON as M1 reads it: {exc.facts['reason']}.") from None


def _choice(values: list[JSON]) -> Kind:
    known = {_json(value): value for value in values}

    def read(text: str) -> JSON:
        if text not in known:
            raise WrongValueError(problem="Choose one of these.")
        return known[text]

    return Kind("choice", _json, read, tuple(zip(known, _labels(list(known.values())), strict=True)))


def _labels(values: list[JSON]) -> list[str]:
    if all(isinstance(value, str) for value in values):
        return [str(value) for value in values]
    if all(isinstance(value, bool) for value in values):
        return ["yes" if value else "no" for value in values]
    return [_json(value) for value in values]


TEXT = Kind("text", _text, _plain)
LINE = Kind("line", _text, _plain)
LINES = Kind("lines", _as_lines, _from_lines)
NUMBER = Kind("number", _as_number, _from_number)
AS_JSON = Kind("json", _json, _from_json)
