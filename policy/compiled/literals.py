"""What every text that a pattern matches must end with."""

import re

_TOKEN = re.compile(r"\\[^\w\s]|\\.|\[\^?\]?(?:\\.|\[:|[^\]\\])*\]|.", re.DOTALL)
_SPECIAL = frozenset(".*+?{}()[]|^$\\")
_LONGER = re.compile(r"\(\?|\\[^dDwWsSbBAznrtfva\W_]")
"""Flags, which may change what letters mean, and escapes that take in more than one character: \\x61, \\pN, \\Q."""


def literal_end(pattern: str) -> str:
    """Return a text that ends whatever matches; "" where that cannot be said simply."""
    if "|" in pattern or _LONGER.search(pattern):
        return ""
    end: list[str] = []
    for token in _TOKEN.findall(pattern):
        if len(token) == 2 and token[0] == "\\" and not token[1].isalnum():
            end.append(token[1])
        elif len(token) == 1 and token not in _SPECIAL:
            end.append(token)
        else:
            end.clear()  # a quantifier takes away its letter as well, with all before it
    return "".join(end)
