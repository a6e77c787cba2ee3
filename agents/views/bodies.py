"""Arguments and results as people read them: every value as it stands in the bytes that were digested, nothing cut."""

from collections.abc import Collection
from dataclasses import dataclass

from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error
from policy.gaps import gaps
from policy.scripts import mixed_scripts

LONG_BYTES, LONG_LINES = 1_500, 24
_KINDS = {str: "text", bool: "yes or no", int: "number", float: "number", list: "list", dict: "object"}


@dataclass(frozen=True)
class Value:
    """One argument, or one field of a result.

    text      a text itself; anything else as canonical JSON
    items     the texts of a list of texts
    mixed     words that mix alphabets, so that one name may look like another
    gaps      long stretches of nothing, in words, after which the text goes on
    """

    name: str
    kind: str
    text: str
    items: tuple[str, ...]
    bytes: int
    is_sensitive: bool
    is_hidden: bool
    mixed: tuple[str, ...]
    gaps: tuple[str, ...]

    @property
    def is_long(self) -> bool:
        """Whether script folds it, and asks to have it opened before an approval."""
        lines = len(self.items) + sum(item.count("\n") for item in self.items)
        return not self.is_hidden and (lines > LONG_LINES or bool(self.gaps) or is_long(self.text))


@dataclass(frozen=True)
class Body:
    """A JSON object as a list of values; `raw` alone where it is something else."""

    values: tuple[Value, ...]
    raw: str
    bytes: int
    is_hidden: bool


def read(data: bytes, *, sensitive: Collection[str], may_view: bool) -> Body:
    """Return the body for someone who may read it, or its outline, with lengths, for someone who may not."""
    raw = data.decode("utf-8", "backslashreplace") if may_view else ""
    fields = _fields(data)
    values = tuple(_value(name, fields[name], name in sensitive, may_view) for name in fields)
    return Body(values, raw, len(data), is_hidden=not may_view)


def is_long(text: str) -> bool:
    """Tell whether a text is too long to be read at a glance, or hides its end behind a stretch of nothing."""
    return len(text.encode()) > LONG_BYTES or text.count("\n") > LONG_LINES or bool(gaps(text))


def _fields(data: bytes) -> dict[str, JSON]:
    try:
        value = canonical.parse(data)
    except M1Error:  # what an agent sent that is not JSON; it was denied, and stays on record as it came
        return {}
    return value if isinstance(value, dict) else {}


def _value(name: str, value: JSON, is_sensitive: bool, may_view: bool) -> Value:
    text = value if isinstance(value, str) else canonical.encode(value).decode()
    items = tuple(map(str, value)) if isinstance(value, list) and all(isinstance(item, str) for item in value) else ()
    return Value(
        name=name, kind=_KINDS.get(type(value), "nothing"), bytes=len(text.encode()),
        text=text if may_view else "", items=items if may_view else (),
        is_sensitive=is_sensitive, is_hidden=not may_view, mixed=mixed_scripts(text) if may_view else (),
        gaps=tuple(dict.fromkeys(gap for one in items or (text,) for gap in gaps(one))) if may_view else (),
    )  # fmt: skip
