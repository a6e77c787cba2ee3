"""Two JSON parsers may disagree about hostile bytes; this one refuses them, in bounded work, and names the reason."""

from __future__ import annotations

import json
from unittest import mock

import pytest

from audit.canonical import Limits, parse
from audit.errors import MalformedJSONError

SAFE = 2**53 - 1

BAD = [
    (b"", "Expecting value at line 1, column 1"),
    (b"   ", "Expecting value"),
    (b"{", "Expecting property name"),
    (b"{} {}", "Extra data at line 1, column 4"),
    (b'{"a": 1,}', "double quotes at line 1, column 9"),
    (b"[1,]", "Expecting value"),
    (b"{'a': 1}", "Expecting property name"),
    (b"[01]", "delimiter"),
    (b"[+1]", "Expecting value"),
    (b"[.5]", "Expecting value"),
    (b"[1.]", "delimiter"),
    (b"[0x10]", "delimiter"),
    (b"[1_000]", "delimiter"),
    ("[١]".encode(), "Expecting value"),
    (b"// no\n1", "Expecting value"),
    (b'"abc', "Unterminated string"),
    (b'"a\nb"', "Invalid control character"),
    (b'"a\0b"', "Invalid control character"),
    (b'"\\x41"', "escape"),
    (b"\0", "Expecting value"),
    (b"\xef\xbb\xbf{}", "Expecting value"),
    (b"NaN", "NaN is not a JSON number"),
    (b'{"a": [Infinity]}', "Infinity is not a JSON number"),
    (b"[-Infinity]", "-Infinity is not a JSON number"),
    (b"[1e400]", "1e400 is beyond"),
    (b"[-1e400]", "-1e400 is beyond"),
    (b"[1e21]", "1e21 is beyond"),
    (b"[9007199254740992]", "send it as a string"),
    (b"[-9007199254740992]", "send it as a string"),
    (b"[9007199254740991.9]", "send it as a string"),
    (b"[18446744073709551616]", "send it as a string"),
    (b"[" + b"9" * 5_000 + b"]", "more than 64 digits"),
    (b"[0." + b"1" * 5_000 + b"]", "more than 64 digits"),
    (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice"),
    (b'{"x": [{"a": 1, "\\u0061": 1}]}', "the key 'a' stands twice"),
    (b'{"\\u202e": 1, "\\u202e": 1}', r"the key '\u202e' stands twice"),
    (b'"\\u0000"', "NUL or half"),
    (b'{"a\\u0000b": 1}', "NUL or half"),
    (b'"\\ud800"', "NUL or half"),
    (b'["\\udc00\\ud800"]', "NUL or half"),
    (b'{"a": {"b": ["\\ud83d"]}}', "NUL or half"),
    (b'{"\\ud83d": 1}', "NUL or half"),
    (b'"\xff"', "not UTF-8 at byte 1"),
    (b'"\xc0\x80"', "not UTF-8"),
    (b'"\xed\xa0\x80"', "not UTF-8"),
    (b'"\xf4\x90\x80\x80"', "not UTF-8"),
    ('{"a": 1}'.encode("utf-16"), "not UTF-8 at byte 0"),
    ('{"a": 1}'.encode("utf-32-le"), "Expecting property name"),
    (b"\x1f\x8b\x08\0\0\0\0\0", "not UTF-8 at byte 1"),
]


@pytest.mark.parametrize(("data", "reason"), BAD, ids=[repr(data[:24]) for data, _ in BAD])
def test_malformed_bytes_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedJSONError) as caught:
        parse(data)
    assert reason in str(caught.value)
    assert (caught.value.code, caught.value.http_status) == ("malformed_json", 400)
    assert len(str(caught.value)) < 300


GOOD = [
    (b" null ", None),
    (b"true", True),
    (b"-0", 0),
    (b"[1, -2.5, 1E2, 1.0]", [1, -2.5, 100.0, 1.0]),
    (f"[{SAFE}, -{SAFE}, {SAFE}.0]".encode(), [SAFE, -SAFE, float(SAFE)]),
    (b'{"a": {"a": [{"a": ""}]}}', {"a": {"a": [{"a": ""}]}}),
    (b'{"a": 1, "A": 2, "\\u00e9": 3, "e\\u0301": 4}', {"a": 1, "A": 2, "\xe9": 3, "e\u0301": 4}),
    (b'"\\ud83d\\ude00 \\u202e \\\\u0000"', "\U0001f600 \u202e \\u0000"),
    (b'"[[[[{{{{\\"[[[["', '[[[[{{{{"[[[['),
]


@pytest.mark.parametrize(("data", "expected"), GOOD, ids=[repr(data[:24]) for data, _ in GOOD])
def test_ordinary_json_is_read_as_it_stands(data: bytes, expected: object) -> None:
    assert parse(data) == expected


AT_THE_LIMIT = [
    (Limits(bytes=4), b"1234", b"12345", "more than 4 bytes"),
    (Limits(depth=3), b"[[[1]]]", b"[[[[1]]]]", "nested deeper than 3 levels"),
    (Limits(depth=3), b'{"a":[{"b":"[[[[["}],"c":[[]]}', b'[{"a":[[]]}]', "nested deeper than 3 levels"),
    (Limits(depth=0), b'"[{"', b"[]", "nested deeper than 0 levels"),
    (Limits(keys=3), b'[{"a":{"b":1}},{"c":1}]', b'[{"a":{"b":1}},{"c":1,"d":1}]', "more than 3 keys"),
    (Limits(digits=5), b"[12345,-1.25]", b"[123456]", "more than 5 digits"),
    (Limits(digits=5), b"[1.2e5]", b"[1.25e5]", "more than 5 digits"),
]


@pytest.mark.parametrize(("limits", "passes", "fails", "reason"), AT_THE_LIMIT)
def test_a_limit_lets_the_last_through_and_refuses_one_more(
    limits: Limits, passes: bytes, fails: bytes, reason: str
) -> None:
    parse(passes, limits=limits)
    with pytest.raises(MalformedJSONError, match=reason):
        parse(fails, limits=limits)


def test_keys_are_counted_for_each_document_anew() -> None:
    limits = Limits(keys=2)
    for _ in range(3):
        assert parse(b'{"a":1,"b":2}', limits=limits) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[" * 1_000_000, "nested"),
        (b'{"a":' * 200_000, "nested"),
        (b"[" * 500_000 + b"]" * 500_000, "nested"),
        (b"]" * 1_000_000, "Expecting value"),
        (b'"' + b"\\" * 999_999, "Unterminated"),
        (b'"a' * 500_000, "Extra data"),
        (b"[" + b'"",' * 300_000, "Expecting value"),
        (b"[" + b"1," * 500_000, "Expecting value"),
        (b"9" * 1_000_000, "digits"),
        (b"1e" + b"9" * 1_000_000, "digits"),
        (b"{" + b",".join(b'"%d":1' % i for i in range(90_000)) + b"}", "keys"),
        (b"x" * 2_000_000, "bytes"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_giants_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedJSONError, match=reason):
        parse(data)


@pytest.mark.parametrize("data", [b"x" * 2_000_000, b"[" * 1_000, b"\xff"])
def test_size_depth_and_encoding_are_judged_before_parsing(data: bytes) -> None:
    with mock.patch.object(json.JSONDecoder, "decode", side_effect=AssertionError), pytest.raises(MalformedJSONError):
        parse(data)


def test_a_parser_out_of_stack_is_a_refusal_too() -> None:
    with mock.patch("audit.strict._check_depth"), pytest.raises(MalformedJSONError, match="nested"):
        parse(b"[" * 100_000)
