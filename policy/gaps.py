"""Stretches of nothing in a text, behind which something can hide from a tired eye."""

import re

LEAST_SPACES, LEAST_LINES = 40, 8
_RUN = re.compile(r"\s+")


def gaps(text: str) -> tuple[str, ...]:
    """Return, in words, the long stretches of blanks and of line breaks after which the text goes on, each once."""
    runs = (found[0] for found in _RUN.finditer(text) if found.end() < len(text))
    return tuple(dict.fromkeys(words for run in runs if (words := _words(run))))


def _words(run: str) -> str:
    if (lines := run.count("\n")) >= LEAST_LINES:
        return f"{lines:,} line breaks"
    spaces = max(map(len, run.split("\n")))
    return f"{spaces:,} spaces" if spaces >= LEAST_SPACES else ""
