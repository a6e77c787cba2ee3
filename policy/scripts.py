"""Words that mix alphabets: the oldest way to make one name look like another."""

from __future__ import annotations

import re
import unicodedata

_LOOK_ALIKES = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
# Marks, digits and what is invisible do not end a word, else they would hide the mixture.
_WORD_END = re.compile("[^\\w\u0300-\u036f\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+")


def mixed_scripts(text: str) -> tuple[str, ...]:
    """Return the words in which Latin letters stand among Cyrillic, Greek or others that look like them, each once."""
    if text.isascii():
        return ()
    return tuple(dict.fromkeys(word for word in _WORD_END.split(text) if not word.isascii() and _is_mixed(word)))


def _is_mixed(word: str) -> bool:
    scripts = {_script(letter) for letter in word if letter.isalpha()}
    return "LATIN" in scripts and not scripts.isdisjoint(_LOOK_ALIKES)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").removeprefix("FULLWIDTH ").partition(" ")[0]
