"""What a tool's preview said it would do, as a page shows it."""

from dataclasses import dataclass

from agents.views import bodies
from audit import canonical
from audit.errors import M1Error
from policy.gaps import gaps


@dataclass(frozen=True)
class Line:
    """One line, and what it is in a diff: added, removed, place or kept."""

    text: str
    kind: str


@dataclass(frozen=True)
class Shown:
    """A stored preview: one line of facts, and the whole of it."""

    kind: str
    summary: str
    body: str

    @property
    def bytes(self) -> int:
        """How long the body is."""
        return len(self.body.encode())

    @property
    def is_long(self) -> bool:
        """Whether script folds it, and asks to have it opened before an approval."""
        return bodies.is_long(self.body)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Long stretches of nothing, in words, after which the body goes on."""
        return gaps(self.body)

    @property
    def lines(self) -> list[Line]:
        """The body as the lines of a diff."""
        return [Line(line, _kind(line)) for line in self.body.splitlines()]


def read(stored: str) -> Shown:
    """Return the preview that the executor stored; one of an unknown form as plain text."""
    try:
        value = canonical.parse(stored.encode())
    except M1Error:
        value = None
    if not isinstance(value, dict):
        return Shown("text", "", stored)
    return Shown(*(str(value.get(name, "")) for name in ("kind", "summary", "body")))


def _kind(line: str) -> str:
    if line.startswith(("+++", "---", "@@")):
        return "place"
    return {"+": "added", "-": "removed"}.get(line[:1], "kept")
