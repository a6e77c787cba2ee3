"""The one sentence at the top of an approval: the tool author's words with the call's values in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from audit import canonical
from policy.reveal import reveal

VALUE_CHARACTERS = 80
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NOT_GIVEN = "—"


def render(template: str, arguments: Mapping[str, object]) -> str:
    """Return the template with `{name}` replaced by each argument, shortened, on one line, its hidden characters shown.

    One pass of plain replacement: nothing in a value is taken for a placeholder, a format or an attribute.
    """
    return PLACEHOLDER.sub(lambda found: _shown(arguments, found[1]), template)


def placeholders(template: str) -> frozenset[str]:
    """Return the names that a template speaks of."""
    return frozenset(PLACEHOLDER.findall(template))


def _shown(arguments: Mapping[str, object], name: str) -> str:
    if name not in arguments:
        return _NOT_GIVEN
    value = arguments[name]
    if isinstance(value, list | tuple):
        return _shortened(", ".join(map(_text, value)), lambda _: f"{len(value)} items")
    return _shortened(_text(value), lambda text: f"{len(text):,} characters")


def _text(value: object) -> str:
    return value if isinstance(value, str) else canonical.encode(value).decode()


def _shortened(text: str, whole: Callable[[str], str]) -> str:
    if len(text) <= VALUE_CHARACTERS:
        return reveal(text, one_line=True)
    return f"{reveal(text[:VALUE_CHARACTERS], one_line=True)}… ({whole(text)})"
