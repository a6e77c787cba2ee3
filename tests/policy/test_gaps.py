"""Stretches of nothing behind which something can hide are named; what ends with one, or is laid out well, is not."""

import pytest

from policy.gaps import gaps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()), ("plain", ()), ("a b\tc", ()), ("a" + " " * 39 + "b", ()),
        ("a" + " " * 40 + "b", ("40 spaces",)), ("\t" * 50 + "b", ("50 spaces",)),
        ("a" + "\u00a0" * 60 + "b", ("60 spaces",)), ("a" + "\u2003" * 41 + "b", ("41 spaces",)),
        ("a\n" * 100, ()), ("a" + "\n" * 7 + "b", ()), ("a" + "\n" * 8 + "b", ("8 line breaks",)),
        ("a" + " \n\t" * 1200 + "b", ("1,200 line breaks",)), ("a" + "\n" * 500, ()), ("a" + " " * 500, ()),
        ("a" + " " * 50 + "b" + "\n" * 9 + "c" + " " * 50 + "d", ("50 spaces", "9 line breaks")),
        ("if x:\n" + " " * 36 + "return y", ()),
    ],
)  # fmt: skip
def test_only_what_goes_on_after_a_long_gap_is_named(text: str, expected: tuple[str, ...]) -> None:
    assert gaps(text) == expected
