"""Two policies side by side: piece by piece, in words and as YAML."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from policy import drafts, versions
from policy.differences import Difference
from policy.documents import Document
from policy.errors import DocumentError
from policy.models import PolicyVersion

DRAFT = "draft"
MOST = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line of YAML: `+` if only the new one has it, `-` if only the old one, a space if both have."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A difference and the lines that make it."""

    difference: Difference
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first MOST differences of two policies, and how many more there are."""

    pieces: tuple[Compared, ...]
    more: int


def compare(old: Document, new: Document) -> Comparison:
    """Return what differs between two documents."""
    found = drafts.differences(old, new)
    pieces = tuple(Compared(one, tuple(_lines(one.before, one.after))) for one in found[:MOST])
    return Comparison(pieces, max(0, len(found) - MOST))


def read(which: str) -> tuple[str, Document] | None:
    """Return the title and the document of a version by its number, or of the draft; None for what there is not."""
    if which == DRAFT:
        return "the draft", draft_or_nothing()
    number = int(which) if which.isascii() and which.isdigit() and len(which) < 10 else -1
    version = PolicyVersion.objects.filter(number=number).first()
    return None if version is None else (str(version), versions.document(version))


def draft_or_nothing() -> Document:
    """Return what the draft says, nothing where it has no rule yet."""
    try:
        return drafts.document()
    except DocumentError:
        return Document(())


def _lines(before: str, after: str) -> Iterator[Line]:
    old, new = before.splitlines(), after.splitlines()
    for word, first, last, begin, end in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if word == "equal":
            yield from (Line(" ", text) for text in old[first:last])
        else:
            yield from (Line("-", text) for text in old[first:last])
            yield from (Line("+", text) for text in new[begin:end])
