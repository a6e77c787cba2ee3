"""The canonical form is RFC 8785's, byte for byte, whichever way it is made."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audit.canonical import digest, encode, parse
from audit.errors import NotCanonicalError

SAFE = 2**53 - 1
# Plain letters, control characters, what JSON escapes, what UTF-16 sorts differently, what JavaScript calls line ends.
_INTERESTING = (
    'aZ09"\\/\0\b\t\n\f\r\x1f\x7f\x80é\u2028\u2029\ud7ff\ue000\ufeff\ufffd\uffff\U00010000\U0001f600\U0010ffff'
)
texts = st.text(st.sampled_from(_INTERESTING) | st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-SAFE, SAFE) | st.sampled_from([0, 1, -1, SAFE, -SAFE])
floats = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 1e21, 1e20, 5e-324, 1e-7, 0.1])
scalars = st.none() | st.booleans() | integers | floats | texts
values = st.recursive(scalars, lambda v: st.lists(v, max_size=5) | st.dictionaries(texts, v, max_size=5), max_leaves=25)


@settings(deadline=None, max_examples=400)
@given(values)
@example({"\U00010000": 1, "\uffff": 2, "\ue000": 3})
@example([-0.0, 1e21, 1e20, 1.0, 0.000001, 1e-7, 5e-324, 1.7976931348623157e308])
def test_it_is_what_the_reference_writes(value: Any) -> None:
    assert encode(value) == rfc8785.dumps(value)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(texts, texts | integers | st.lists(texts, max_size=3), max_size=6))
def test_the_fast_way_is_what_the_reference_writes(value: Any) -> None:
    assert encode(value) == rfc8785.dumps(value)


@settings(deadline=None, max_examples=200)
@given(values)
def test_equal_objects_have_equal_bytes_whatever_the_order_of_keys(value: Any) -> None:
    assert encode(_reversed(value)) == encode(value)


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(item) for key, item in reversed(value.items())}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


# RFC 8785, appendix B: IEEE 754 bits and their one notation.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "expected"), NUMBERS)
def test_numbers_of_the_rfc(bits: str, expected: str) -> None:
    assert encode(_double(bits)) == expected.encode()


def _double(bits: str) -> float:
    number = int(bits, 16)
    sign, exponent, fraction = number >> 63, number >> 52 & 0x7FF, number & (1 << 52) - 1
    size = math.ldexp(fraction + (1 << 52 if exponent else 0), max(exponent, 1) - 1075)
    return -size if sign else size


def test_keys_sort_as_the_rfc_shows() -> None:
    source = {"\u20ac": "", "\r": "", "\ufb33": "", "1": "", "\U0001f600": "", "\u0080": "", "\u00f6": ""}
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(encode(source))) == order


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, "a"), b'[1,"a"]'),
        ({"b": Colour.RED, Colour.RED: True}, b'{"b":"red","red":true}'),
        ([True, 1, 1.0], b"[true,1,1]"),
        ("\x00\x1f\x7f\u2028/", b'"\\u0000\\u001f\x7f\xe2\x80\xa8/"'),
    ],
)
def test_python_values_that_are_json_in_other_clothes(value: object, expected: bytes) -> None:
    assert encode(value) == expected


_cycle: list[Any] = []
_cycle.append(_cycle)


@pytest.mark.parametrize(
    "value",
    [
        *(math.nan, math.inf, -math.inf, 2**53, -(2**53), 10**5000),
        *("\ud800", {"\udc00": 1}, ["a\ud83d"], {1: "a"}, {None: 1}, {("a",): 1}),
        *(b"bytes", {1, 2}, datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1), object(), _cycle),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"a": ["b", value]}], ids=["bare", "nested"])
def test_what_has_no_canonical_form_is_refused(value: object, wrap: Any) -> None:
    with pytest.raises(NotCanonicalError):
        encode(wrap(value))


def test_nesting_past_the_fast_way_is_still_canonical() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = {"b": deep, "a": None}
    assert encode(deep) == rfc8785.dumps(deep)


exact = st.none() | st.booleans() | integers | texts | st.floats(-SAFE, SAFE)
exacts = st.recursive(exact, lambda v: st.lists(v, max_size=5) | st.dictionaries(texts, v, max_size=5), max_leaves=25)


@settings(deadline=None, max_examples=200)
@given(exacts)
def test_what_is_shown_is_what_is_stored_and_run(value: Any) -> None:
    canonical = encode(value)
    without_nul = b"\\u0000" not in canonical.replace(b"\\\\", b"")
    if without_nul:
        assert parse(canonical) == value
        assert encode(parse(canonical)) == canonical
        assert encode(json.loads(canonical)) == canonical  # a tool's own reader agrees


def test_the_digest_is_sha_256() -> None:
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
