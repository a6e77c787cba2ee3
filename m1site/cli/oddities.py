"""What a person should know of a text before they read it: what hides in it, and what looks like something else."""

import unicodedata

from policy.gaps import gaps
from policy.reveal import marks
from policy.scripts import mixed_scripts

MOST_NAMED = 3
_RIGHT_TO_LEFT = frozenset({"R", "AL"})


def oddities(text: str) -> list[str]:
    """Return, a sentence each, what the eye may pass over in a text; nothing for a plain one."""
    far = [f"{gap} in a row, and then the text goes on" for gap in gaps(text)]
    return [*_hidden(text), *map(_mixed, mixed_scripts(text)), *far, *_direction(text)]


def _hidden(text: str) -> list[str]:
    found = [] if text.isascii() and text.isprintable() else [piece.title for piece in marks(text) if piece.is_mark]
    if not found:
        return []
    return [
        f"{len(found):,} of its characters cannot be seen, and are shown as marks: {_named(list(dict.fromkeys(found)))}"
    ]


def _mixed(word: str) -> str:
    strange = {letter for letter in word if letter.isalpha() and not unicodedata.name(letter, "").startswith("LATIN")}
    names = [f"{unicodedata.name(letter, '?')} (U+{ord(letter):04X})" for letter in sorted(strange)]
    return f"{word[:60]} mixes alphabets: {_named(names)}"


def _named(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" and more" if len(names) > MOST_NAMED else "")


def _direction(text: str) -> list[str]:
    if not text.isascii() and any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return ["letters that run from right to left: a terminal may show them in another order"]
    return []
