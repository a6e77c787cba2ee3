"""Text from agents, tools and requesters, with what the eye cannot see made visible.

Marked are control, format and direction characters, tags, unusual spaces, fillers, unassigned and private characters,
and variation selectors, wherever they do no honest work. Arabic, Hebrew, Indic scripts and emoji keep the joiners that
their spelling needs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_CANDIDATE = re.compile(r"[^\x20-\x7e\n\t]")
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")  # fillers, blanks, a joiner
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_FLAGS = re.compile("\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|"
                    "\U000e0077\U000e006c\U000e0073)\U000e007f")  # fmt: skip
_CONTROL_NAMES = {0: "NULL", 7: "BELL", 8: "BACKSPACE", 9: "TAB", 10: "LINE FEED", 13: "CARRIAGE RETURN", 27: "ESCAPE",
                  127: "DELETE", 0x85: "NEXT LINE"}  # fmt: skip
_EMOJI_BASES = frozenset("ℹ‼⁉〰")
_ZWNJ, _ZWJ, _TEXT_STYLE, _EMOJI_STYLE, _KEYCAP = "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\u20e3"


class Segment(NamedTuple):
    """A piece of text: as it was written, or a mark for one character, with its title ("U+202E RIGHT-TO-LEFT …")."""

    text: str
    is_mark: bool
    title: str


def reveal(text: str, *, one_line: bool = False) -> str:
    """Return the text with a visible mark, such as ⟦U+202E⟧, in the place of each character that cannot be seen."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(segment.text for segment in marks(text, one_line=one_line))


def marks(text: str, *, one_line: bool = False) -> list[Segment]:
    """Return the text as segments, marks apart from the rest; nothing is dropped.

    one_line  line breaks and tabs are marked as well
    """
    segments: list[Segment] = []
    done = 0
    for position in _hidden(text, one_line):
        if position > done:
            segments.append(Segment(text[done:position], False, ""))
        segments.append(_mark(text[position]))
        done = position + 1
    if done < len(text):
        segments.append(Segment(text[done:], False, ""))
    return segments


def _hidden(text: str, one_line: bool) -> Iterator[int]:
    honest = {position for flag in _FLAGS.finditer(text) for position in range(flag.start() + 1, flag.end())}
    for found in re.finditer(r"[^\x20-\x7e]", text) if one_line else _CANDIDATE.finditer(text):
        position = found.start()
        if position not in honest and _is_hidden(text, position):
            yield position


def _mark(character: str) -> Segment:
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "") or _CONTROL_NAMES.get(ord(character), "") or _nameless(character)
    return Segment(f"⟦{code}⟧", True, f"{code} {name}")


def _nameless(character: str) -> str:
    kinds = {"Cc": "CONTROL CHARACTER", "Co": "PRIVATE USE CHARACTER", "Cs": "HALF OF A SURROGATE PAIR"}
    return kinds.get(unicodedata.category(character), "UNASSIGNED CHARACTER")


def _is_hidden(text: str, position: int) -> bool:
    character = text[position]
    before = text[position - 1] if position else ""
    after = text[position + 1 : position + 2]
    if _is_variation_selector(character):
        return not _styles_emoji(character, before, after)
    if character in (_ZWJ, _ZWNJ):
        return not _joins(character, before, after)
    if character in _VISIBLE_FORMAT:
        return False
    if character in _INVISIBLE:
        return True
    return not _is_emoji(character) and unicodedata.category(character) in _INVISIBLE_CATEGORIES


def _is_variation_selector(character: str) -> bool:
    ranges = (("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef"), ("\u180b", "\u180f"))
    return any(first <= character <= last for first, last in ranges)


def _styles_emoji(selector: str, before: str, after: str) -> bool:
    """Tell whether a selector asks for the emoji or text form of the character before it; any other use hides data."""
    if selector not in (_TEXT_STYLE, _EMOJI_STYLE) or not before:
        return False
    return _is_emoji(before) or (before in "0123456789#*" and after == _KEYCAP)


def _joins(joiner: str, before: str, after: str) -> bool:
    """Tell whether a joiner stands where spelling needs it: inside an emoji, or inside an Arabic or Indic word."""
    if not before or not after:
        return False
    if joiner == _ZWJ and _is_emoji(after):
        return _is_emoji(before) or before == _EMOJI_STYLE or "\U0001f3fb" <= before <= "\U0001f3ff"
    return all("\u0620" <= neighbour <= "\u0dff" and neighbour.isprintable() for neighbour in (before, after))


def _is_emoji(character: str) -> bool:
    """Tell whether a character is a picture; the ranges include arrows, and emoji newer than this Python's tables."""
    if "\u2190" <= character <= "\u21ff" or "\U0001f000" <= character <= "\U0001faff":
        return True
    return unicodedata.category(character) == "So" or character in _EMOJI_BASES
