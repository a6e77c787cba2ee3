"""Which variables a tool may ask for: its own credentials, never what M1 itself signs, seals, stores or asks with."""

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOR_TOOLS = re.compile(r"M1_(?:FILES|EMAIL|HTTP|TEST)_[A-Z_]+")
_OWN = frozenset("SECRET_KEY DATABASE_URL REDIS_URL REDIS_PASSWORD ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN".split())


def may_be_granted(name: str) -> bool:
    """Tell whether a tool may declare the variable, or the file it is read from (`NAME_FILE`)."""
    plain = name.removesuffix("_FILE")
    own = plain in _OWN or (plain.startswith("M1_") and not _FOR_TOOLS.fullmatch(plain))
    return bool(_NAME.fullmatch(name)) and not own
