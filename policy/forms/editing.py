"""What the pages ask of a form of the draft, whatever it is a form of."""

from typing import Any, Protocol

from audit.canonical import JSON
from policy.reading import Path


class MainForm(Protocol):
    """The part of an editor that takes what no row takes."""

    cleaned_data: dict[str, Any]

    def show(self, path: Path, problem: str) -> None:
        """Put a problem at its box."""


class Editor(Protocol):
    """A rule or a test case as it is being written."""

    @property
    def main(self) -> MainForm:
        """Everything but the rows."""

    def value(self) -> dict[str, JSON] | None:
        """Return what was typed, or None where it is wrong."""
