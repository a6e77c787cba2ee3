"""What cannot be seen is shown; what is honest writing stays as it is."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from policy.headline import render
from policy.reveal import marks, reveal
from policy.scripts import mixed_scripts

HONEST = [
    "plain text, with\nlines and\ttabs",
    "مرحبا بالعالم، كيف الحال؟",
    "می‌خواهم",  # Persian, with the zero-width non-joiner of its spelling
    "שלום עולם",
    "क्‍ष नमस्ते",  # Devanagari, with a zero-width joiner
    "日本語 한국어 Ελληνικά Кириллица",
    "naïve café e\u0301",
    "👩‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 🏴‍☠️ ❤️‍🔥 1️⃣ #️⃣ 🇩🇪 ☺︎ ™️ ↔️",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
    "\U0001fae8",  # an emoji newer than the tables of Python 3.11
]

DECEPTIVE = [
    ("invoice\u202egpj.exe", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("a\u2066b\u2069", "U+2066 LEFT-TO-RIGHT ISOLATE"),
    ("a\u061cb", "U+061C ARABIC LETTER MARK"),
    ("pay\u200bpal", "U+200B ZERO WIDTH SPACE"),
    ("pay\u200cpal", "U+200C ZERO WIDTH NON-JOINER"),
    ("pay\u200dpal", "U+200D ZERO WIDTH JOINER"),
    ("x\u200d👩", "U+200D ZERO WIDTH JOINER"),
    ("👩\u200d", "U+200D ZERO WIDTH JOINER"),
    ("\ufeffx", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
    ("a\u00adb", "U+00AD SOFT HYPHEN"),
    ("a\u2060b", "U+2060 WORD JOINER"),
    ("a\u00a0b", "U+00A0 NO-BREAK SPACE"),
    ("a\u3000b", "U+3000 IDEOGRAPHIC SPACE"),
    ("a\u2028b", "U+2028 LINE SEPARATOR"),
    ("a\x00b", "U+0000 NULL"),
    ("a\x1b[31mb", "U+001B ESCAPE"),
    ("a\rb", "U+000D CARRIAGE RETURN"),
    ("a\x9bb", "U+009B CONTROL CHARACTER"),
    ("a\U000e0041b", "U+E0041 TAG LATIN CAPITAL LETTER A"),
    ("\U0001f3f4\U000e0068\U000e0069\U000e007f", "U+E0068 TAG LATIN SMALL LETTER H"),  # no flag that exists
    ("a\ufe0fb", "U+FE0F VARIATION SELECTOR-16"),
    ("1\ufe0fb", "U+FE0F VARIATION SELECTOR-16"),
    ("❤\ufe0f\ufe01", "U+FE01 VARIATION SELECTOR-2"),
    ("😀\U000e0101", "U+E0101 VARIATION SELECTOR-18"),
    ("a\u3164b", "U+3164 HANGUL FILLER"),
    ("a\u2800b", "U+2800 BRAILLE PATTERN BLANK"),
    ("a\u034fb", "U+034F COMBINING GRAPHEME JOINER"),
    ("a\ue000b", "U+E000 PRIVATE USE CHARACTER"),
    ("a\uffffb", "U+FFFF UNASSIGNED CHARACTER"),
    ("a\ud800b", "U+D800 HALF OF A SURROGATE PAIR"),
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert reveal(text) == text


@pytest.mark.parametrize(("text", "title"), DECEPTIVE)
def test_each_deceptive_character_gets_a_mark_with_its_name(text: str, title: str) -> None:
    segments = marks(text)
    assert title in [segment.title for segment in segments if segment.is_mark]
    assert "".join(segment.text for segment in segments) == reveal(text) != text
    assert f"⟦{title.split()[0]}⟧" in reveal(text)


def test_no_control_format_or_tag_character_gets_through_among_letters() -> None:
    """Every code point there is, between two Latin letters."""
    quiet = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp", "Zs")
    hidden = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in quiet]
    through = {character for character in hidden if reveal(f"a{character}b") == f"a{character}b"}
    signs = set(
        "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    )  # have a shape
    assert through == {" ", "\n", "\t"} | signs


def test_one_line_shows_line_breaks_and_tabs_too() -> None:
    assert reveal("a\nb\tc", one_line=True) == "a⟦U+000A⟧b⟦U+0009⟧c"


def test_nothing_is_dropped() -> None:
    segments = marks("\u202ea\u200b\u200bb")
    assert [segment.text for segment in segments] == ["⟦U+202E⟧", "a", "⟦U+200B⟧", "⟦U+200B⟧", "b"]
    assert marks("") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pay to аpple.com", ("аpple",)),
        ("sсope Ελλάδα Привет hello", ("sсope",)),
        ("p\u0301а", ("p\u0301а",)),  # a combining mark does not end the word
        ("p4а", ("p4а",)),
        ("p\u200bа", ("p\u200bа",)),
        ("ｐа", ("ｐа",)),
        ("Οmega Οmega", ("Οmega",)),
        ("naïve café", ()),
        ("Привет", ()),
        ("日本語text", ()),
        ("", ()),
    ],
)
def test_words_of_mixed_alphabets_are_named(text: str, words: tuple[str, ...]) -> None:
    assert mixed_scripts(text) == words


@pytest.mark.parametrize(
    ("template", "arguments", "headline"),
    [
        ("Write {path}", {"path": "a.txt"}, "Write a.txt"),
        ("Write {path}", {}, "Write —"),
        ('Send "{subject}" to {to}', {"subject": "Hi", "to": ["a@x.org", "b@x.org"]}, 'Send "Hi" to a@x.org, b@x.org'),
        ("Pay {amount} {really}", {"amount": 4.5, "really": True}, "Pay 4.5 true"),
        ("Set {value}", {"value": None}, "Set null"),
        ("Set {value}", {"value": {"b": 1, "a": [2]}}, 'Set {"a":[2],"b":1}'),
        ("Do {a}", {"a": "{b}", "b": "secret"}, "Do {b}"),
        ("Do {a.__class__} {a[0]} {a!r} {0} {}", {"a": "x"}, "Do {a.__class__} {a[0]} {a!r} {0} {}"),
        ("Do {a}", {"a": "%s {{ 7*7 }} ${x}"}, "Do %s {{ 7*7 }} ${x}"),
        ("Do {a}", {"a": "x\ny\u202e"}, "Do x⟦U+000A⟧y⟦U+202E⟧"),
        ("Do {a}", {"a": "x" * 80}, "Do " + "x" * 80),
        ("Do {a}", {"a": "x" * 1_081}, "Do " + "x" * 80 + "… (1,081 characters)"),
        ("Do {a}", {"a": ["x" * 50, "y" * 50, "z"]}, "Do " + "x" * 50 + ", " + "y" * 28 + "… (3 items)"),
    ],
)
def test_a_headline_is_the_template_with_plain_values(
    template: str, arguments: dict[str, object], headline: str
) -> None:
    assert render(template, arguments) == headline
