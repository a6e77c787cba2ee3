"""What stands on a terminal about one call, and what of it is folded until the person has read it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.text import Text

from m1site.cli import layout
from m1site.cli.output import console

LABEL = 12
FOLD_ROWS, SHOWN_ROWS = 14, 4


@dataclass
class Part:
    """A long text, folded.

    kind   of what it is a part, as answers report it: arguments, preview, changes, reason, goal or turn
    rows   all of it, as they would stand on the screen
    """

    name: str
    kind: str
    rows: list[str]
    is_read: bool = False

    @property
    def is_required(self) -> bool:
        """Whether an approval waits until it was read: it is what will run, or what that does."""
        return self.kind in ("arguments", "preview")


@dataclass
class Sheet:
    """Lines with their styles, and the folded parts among them."""

    width: int
    lines: list[tuple[str, str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    warnings: int = 0

    @property
    def unread(self) -> list[Part]:
        """The parts that an approval waits for."""
        return [part for part in self.parts if part.is_required and not part.is_read]

    @property
    def expanded(self) -> list[str]:
        """Of what kinds the parts are that were read to their end."""
        return sorted({part.kind for part in self.parts if part.is_read})

    def title(self, text: str) -> None:
        """Begin a section; only M1 writes at the left edge."""
        self.lines += [("", ""), (text, "bold")]

    def say(self, text: str, style: str = "", first: str = "  ") -> None:
        """Add a sentence of M1's."""
        self.lines += [(row, style) for row in layout.folded(text, self.width, first)]

    def fact(self, label: str, text: object) -> None:
        """Add a fact behind its label."""
        self.say(str(text), first=f"  {label:<{LABEL}} ")

    def warn(self, text: str) -> None:
        """Add what is not as usual."""
        self.warnings += 1
        self.say(text, "yellow", "  ! ")

    def foreign(self, label: str, text: str, kind: str) -> None:
        """Add words that are not M1's, labelled and behind a bar."""
        self.say(f"{label}:")
        self.add(f"the {kind}", layout.boxed(text, self.width), kind)

    def add(self, name: str, rows: Iterable[str], kind: str, *, is_long: bool = False) -> None:
        """Add rows behind a bar: whole where they are few, else their beginning and how many follow."""
        found = list(rows)
        if not is_long and len(found) <= FOLD_ROWS:
            self.lines += [(row, "") for row in found]
            return
        self.parts.append(Part(name, kind, found))
        self.lines += [(row, "") for row in found[:SHOWN_ROWS]]
        if rest := len(found) - SHOWN_ROWS:
            self.lines.append((f"    … {rest:,} more lines of {name}: v reads them all.", "yellow"))

    def print(self, height: int) -> None:
        """Put it on the screen; what is higher than that ends with its first line once more."""
        if len(self.lines) > height:
            begin = next(number for number, (line, _) in enumerate(self.lines) if line.startswith("  "))
            found = f"{self.warnings} warning{'s' * (self.warnings != 1)} above" if self.warnings else "no warnings"
            self.lines += [("", ""), *self.lines[:begin], (f"{self.lines[begin][0]} · {found}", self.lines[begin][1])]
        text = Text("\n").join(Text(line, style=style) for line, style in self.lines)
        console().print(text, soft_wrap=True)
