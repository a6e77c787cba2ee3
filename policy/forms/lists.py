"""Lists of texts in one box: names with commas between them, values one per line.

A text that begins with a quotation mark is a JSON string: so commas, line breaks and spaces at its ends can be written.
"""

import json
from collections.abc import Iterable, Iterator

from policy.reading import Path, wrong

_DECODER = json.JSONDecoder()
QUOTES = 'begins with a quotation mark but is not one text in quotes; inside them write \\" for " and \\\\ for \\'


def lines(written: str) -> list[str]:
    """Return the lines of what a browser sent, whatever it puts between them."""
    return written.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def quoted(text: str, *, apart: str = "\n") -> str:
    """Return a text as the readers here give it back: in quotes where it would not survive without.

    apart   characters that end a text
    """
    is_plain = text and text == text.strip() and not text.startswith('"') and not any(one in text for one in apart)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def unquoted(written: str, path: Path) -> str:
    """Return one text, without the spaces around it, or as its quotes have it; raises FieldError."""
    text = "\n".join(lines(written)).strip()
    if not text.startswith('"'):
        return text
    found, end = _decoded(text, path)
    if end != len(text):
        raise wrong(path, QUOTES)
    return found


def join_names(names: Iterable[str]) -> str:
    """Return names with commas between them."""
    return ", ".join(quoted(name, apart=",\n") for name in names)


def split_names(written: str, path: Path) -> list[str]:
    """Return the names between commas and line breaks, empty ones left out; raises FieldError."""
    return [name for line in lines(written) for name in _names(line, path) if name]


def join_lines(texts: Iterable[str]) -> str:
    """Return texts one per line."""
    return "\n".join(quoted(text) for text in texts)


def split_lines(written: str, path: Path) -> list[str]:
    """Return one text per line, empty lines left out; raises FieldError."""
    return [unquoted(line, path) for line in lines(written) if line.strip()]


def _names(line: str, path: Path) -> Iterator[str]:
    rest = line.strip()
    while rest:
        if rest.startswith('"'):
            name, end = _decoded(rest, path)
            following = rest[end:].lstrip()
            if following and not following.startswith(","):
                raise wrong(path, QUOTES)
            rest = following.removeprefix(",").lstrip()
        else:
            name, _, rest = (part.strip() for part in rest.partition(","))
        yield name


def _decoded(text: str, path: Path) -> tuple[str, int]:
    try:
        found, end = _DECODER.raw_decode(text)
    except ValueError:
        raise wrong(path, QUOTES) from None
    return str(found), end
