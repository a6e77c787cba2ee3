"""Values to try a policy with: on the edge of what its operators judge, and far beyond it."""

from typing import Any

KINDS = {
    "amount": "number", "count": "number", "fee": "decimal", "day": "date", "at": "time", "note": "text",
    "code": "text",
    "path": "path", "url": "url", "to": "mail", "flag": "boolean", "tags": "texts", "sizes": "numbers",
    "people": "mails", "box.land": "text", "box.n": "number", "box.deep.path": "path", "tags.x": "text",
}  # fmt: skip
ITEMS = {"texts": "text", "numbers": "number", "mails": "mail"}
NUMBERS = [
    -(2**53) + 1, -5, -1, -0.0, 0, 5e-324, 0.1 + 0.2, 0.3, 1, 1.0, 1.5, 4999, 4999.999, 5000, 5000.0, 5000.0001,
    2**53 - 1,
]  # fmt: skip
DECIMALS = [
    "-12.50", "-0.0", "0", "0.00", "00.1", "0.1", "1", "1.00", "1.0000000000000000000000001", "99999999999999999999.9",
]  # fmt: skip
DATES = ["0001-01-01", "1999-12-31", "2024-02-29", "2026-01-31", "2026-02-01", "9999-12-31"]
TIMES = [
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00",
    "2026-01-31T12:00:00.000001Z", "2026-01-31T12:59:59.5+01:00", "2026-01-31T00:00:00-12:00",
    "9999-12-31T23:59:59-23:59",
]  # fmt: skip
TEXTS = [
    "a", "A", "ab", "abc", "aBC", "b", "c", "USD", "usd", "EUR", "USD ", "é", "e\u0301", "５", "5", "bob", "BOB",
    "Bob", "/data/", "-",
    "\\", '\\"', "]", '],"tests":[', ',{"deny":', ',{"match":{"tools":["*"]}}', '"tools":["*"]',
]  # fmt: skip
DIRECTORIES = ["archive", "archive/2019", "./data//", "a b", "ü", ".hidden"]
PATHS = [
    "archive", "archive/", "archive/2019/a.txt", "archives/a", "./archive//2019", "data/x", "a b/c", "ü/x",
    "u\u0308/x", ".",
    ".hidden/..a", "archive/.../x", "x\u2028archive",
]  # fmt: skip
HOSTS = ["good.com", "a.good.com", "evil.com", "localhost", "127.0.0.1", "xn--gd-fka.com"]
URLS = [
    "https://good.com", "HTTPS://GOOD.com:8443/a?b#c", "http://good.com./", "https://evil.com/good.com",
    "http://a.good.com?x",
    "https://good.com.evil.com", "http://127.0.0.1/", "http://localhost:80", "https://xn--gd-fka.com#", "http://x.y0x1",
]  # fmt: skip
MAILS = [
    "a@good.com", "A.b+c@GOOD.com", "x@a.good.com", "a@evil.com", "o'neil@localhost", "a@good.com.evil.com",
    "u1@127.0.0.1",
]  # fmt: skip
GOOD: dict[str, list[Any]] = {
    "number": NUMBERS, "decimal": DECIMALS, "date": DATES, "time": TIMES, "text": TEXTS, "path": PATHS, "url": URLS,
    "mail": MAILS, "boolean": [True, False],
}  # fmt: skip
PATTERNS = [
    "a|ab", "[a-z0-9]+@good\\.com", "[a-z0-9]+@good.com", "(?i)bob", "(?i:B)ob", "(?:(?i)b)ob", ".*", "(?s).*",
    "[A-Z]{3}",
    "^USD$", "USD ?", "USD\\b", "(?m)^USD$", "a*b?", "(?:ab?)*", "[^a]*", "\\d+", "(?:a|b|c){1,3}", "a.c", "abc?",
    "ab+c",
    "ab{0}", "(abc)", "a(?:bc)?", "a(?:b|c)*", "abc|USD", "|abc", "\\x61b", "ab\\.", "[a]b", "\\Qab\\Ec", "a\\z",
    "\\D+|5",
    ".+://good\\.com", "(?:[^/]*/)*[^/]*", "\\\\+\"?", "é", "[é]", "[^b]",
]  # fmt: skip


NESTED: Any = []
for _ in range(50):
    NESTED = [NESTED, {"a": NESTED}] if len(repr(NESTED)) < 500 else [NESTED]
HOSTILE: list[Any] = [
    None, True, False, 0, 1, 1.0, -0.0, float("nan"), float("inf"), float("-inf"), 10**30, -(10**400), 2**53, 1e308,
    5000,
    "", " ", "\n", "\x00", "a\x00", "\ud800", "a\udfff", "\U0001f600", "\u200b", "\u202egnp", "ſ", "K", "５", "१", "²",
    "1", "1e2", "NaN", "Infinity", "0x10", "1_000", " 1", "1\n", "+1", "-", ".", "1.", ".5", "--1", "1,5", "true",
    "null", "[]",
    b"USD", b"", (), ("a",), {"a"}, frozenset({1}), 1j, object(), [], {}, [[]], [{}], [None], [True], [1, "a"], ["a",
    None],
    ["USD"], ["a", "a"], [0, -0.0], [float("nan")], [10**30, 1], ["\ud800"], {"land": None}, {"land": {"land": "a"}},
    {"n": []},
    {"land": "a", "n": True}, {"": 1}, {"deep": "x"}, {"deep": {"path": "../x"}}, {"x": "a"}, {"deep.path": "data/x"},
    NESTED,
    "x" * 5_000, "a" * 5_000 + "b", "../" * 1_000, ["x" * 500] * 5,
]  # fmt: skip
ODD: dict[str, list[Any]] = {
    "decimal": ["1" * 30 + "." + "1" * 30, "1" * 31, "0." + "0" * 31, "\u0661", "1__0", "1.0.0", "-", "−1", "1.00 "],
    "date": ["2026-02-30", "0000-01-01", "2026-13-01", "2026-1-1", "20260131", "2026-W01-1", "２026-01-31",
    "2026-01-31\n"],
    "time": [
        "2026-01-31T24:00:00Z", "2026-01-31T12:00:60Z", "2026-01-31T12:00Z", "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00z",
        "2026-01-31T12:00:00", "2026-01-31T12:00:00+99:00", "2026-01-31T12:00:00+12:60", "2026-01-31T12:00:00+12:75",
        "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00+0100", "2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00+01:00:30", "2026-02-30T12:00:00Z",
    ],
    "path": [
        "a/../b", "..", "archive/..", "../archive", "/archive", "/", "//archive", "~/archive", "~", "archive\\x",
        "archive/\x00",
        "archive\n", "archive\x7f", "archive/\x85", "archive" + "/a" * 2_000, "x" * 4_000, "x" * 4_001, "ARCHIVE",
        "archive /x",
    ],
    "url": [
        "https://good.com@evil.com", "https://good.com:80@evil.com", "https://good.com\\@evil.com", "https:/good.com",
        "//good.com",
        "good.com", "file://good.com/", "http\u017f://good.com", "https://good.com..", "https://.good.com",
        "https://good.com:",
        "https://good.com:123456", "https://good.com:８0", "https://g\u043eod.com", "https://good%2ecom",
        "https://[::1]/",
        "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.0.1.",
        "http://127.0.0.256",
        "http://0x", "http://x.0xg", "http://a..b", "http://-a.com", "http://a-.com", "http://a_b.com",
        "http://good.com/ü",
        "http://good.com/a b", "javascript:alert(1)", "http://" + "a" * 64 + ".com", "http://" + "a." * 126 + "ab",
        "http://" + "a." * 126 + "a", "http://good.com/" + "a" * 4_000, "https://good.com\t",
        "\ufeffhttps://good.com", "http://１27.0.0.1",
    ],
    "mail": [
        "a@evil.com, b@good.com", "a@evil.com@good.com", "a@good.com>", "<a@good.com>", "Ada <a@good.com>",
        '"a"@good.com',
        "a@good.com\nBcc: a@evil.com", "a@good.com\n", "a@good.com.", "@good.com", "a@", "good.com", "a b@good.com",
        "a@b@c",
        "ä@good.com", "a@good.com;b@evil.com", "a@[127.0.0.1]", "a" * 64 + "@good.com", "a" * 65 + "@good.com",
        "a@" + "a." * 126 + "com", "a@-good.com", "a@good..com", "a%evil.com@good.com", "u1@good.com\x00",
        "\u202ea@good.com",
    ],
}  # fmt: skip
