"""What a notification says: M1's facts, and an agent's words in which nothing works."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from agents.notifications.text import MOST_CHARACTERS, Item, compose, disarm

KEY = UUID("01890000-0000-7000-8000-000000000001")
URL = "https://m1.example.com"
LINK = f"{URL}/approvals/{KEY}/"


def item(headline: str = "Write reports/may.txt", kind: str = "asked", risk: str = "high", **fields: object) -> Item:
    facts = {"request_id": KEY, "agent": "demo", "requester": "Riley Reed", "by": ""} | fields
    return Item(kind=kind, headline=headline, risk=risk, expires_at=datetime(2026, 11, 23, 9, 5, tzinfo=UTC), **facts)  # type: ignore[arg-type]


def key(number: int) -> UUID:
    return UUID(int=KEY.int + number)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Refund 42.00 EUR to order 1001", "Refund 42.00 EUR to order 1001"),
        ("Write archive/ledger.csv and config.yaml", "Write archive/ledger.csv and config.yaml"),
        ("Mail bob.b+x@shop.example: Hi", "Mail bob.b+x@shop.example: Hi"),
        ("Schreibe an Jürgen, café, 東京, עברית", "Schreibe an Jürgen, café, 東京, עברית"),
        ("my_file_2 is 50 % done", "my_file_2 is 50 % done"),
        ("https://evil.com/yes", "https: //evil[.]com/yes"),
        ("HTTPS://EVIL.COM", "HTTPS: //EVIL[.]COM"),
        ("www.evil.de", "www[.]evil[.]de"),
        ("evil.com.txt", "evil[.]com.txt"),
        ("evil.com/a.txt", "evil[.]com/a.txt"),
        ("run.sh notes.md x.zip", "run[.]sh notes[.]md x[.]zip"),
        ("evil．com evil。com", "evil[.]com evil[.]com"),
        ("a@b.evil.com/x a@b.com:80 a@b.com?x", "a@b[.]evil[.]com/x a@b[.]com:80 a@b[.]com?x"),
        ("a.b@c.d.com.", "a.b@c.d.com."),
        ("[Approve](https://evil.com)", "[Approve] (https: //evil[.]com)"),
        ("![x](//evil.com/p.png)", "![x] (//evil[.]com/p.png)"),
        ("<https://evil.com|Approve>", "‹https: //evil[.]com¦Approve›"),
        ("<!everyone> <!channel> <@U123>", "‹!everyone› ‹!channel› ‹＠U123›"),
        ("@everyone @here @Channel x@everyone", "＠everyone ＠here ＠Channel x＠everyone"),
        ("@riley (@sam) a@room", "＠riley (＠sam) a＠room"),
        ("<b>x</b><img src=x onerror=y>", "‹b›x‹/b›‹img src=x onerror=y›"),
        ("*b* _i_ __u__ ~s~ ||h|| `c` ```c```", "∗b∗ ＿i＿ ＿＿u＿＿ ∼s∼ ¦¦h¦¦ ˋcˋ ˋˋˋcˋˋˋ"),
        ("a\nRisk: low\r\nX: y", "a⟦U+000A⟧Risk: low⟦U+000D⟧⟦U+000A⟧X: y"),
        ("to \u202egnp.exe\u2066 \u200b\ufeff\U000e0041", "to ⟦U+202E⟧gnp[.]exe⟦U+2066⟧ ⟦U+200B⟧⟦U+FEFF⟧⟦U+E0041⟧"),
        ("a\x00\x1b[31m\u2028b", "a⟦U+0000⟧⟦U+001B⟧[31m⟦U+2028⟧b"),
        ("ok" + " " * 90 + "and more", "ok ⟦90 spaces⟧ and more"),
        ("Mail ava@ex\u0430mple.com", "Mail ava@ex\u0430mple.com ⟦mixes alphabets⟧"),
        ("p\u0430ypal.com", "p\u0430ypal[.]com ⟦mixes alphabets⟧"),
        ("x" * 161, "x" * 160 + " … (1 more characters are on the page)"),
        ("", ""),
    ],
)  # fmt: skip
def test_nothing_that_an_agent_writes_works(written: str, told: str) -> None:
    assert disarm(written) == told


def test_what_is_told_has_a_bound_whatever_is_written() -> None:
    for one in ("\u202e", "a.b", "@all ", "🏳️‍🌈", "a\u0301\u0302\u0303"):
        assert len(disarm(one * 100_000)) < MOST_CHARACTERS * 10


def test_one_call_is_told_with_the_way_to_it() -> None:
    message = compose([item()], URL)
    assert message.title == "M1 asks for a decision (high risk)"
    assert message.body.splitlines() == [
        "Tool call: Write reports/may.txt", "It waits for a decision.", "Risk: high",
        "Asked by: agent demo, for Riley Reed", "Expires: 23 November 2026, 09:05 UTC", "",
        f"Look at it and decide, signed in: {LINK}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "title", "word", "expires"),
    [
        ("reminded", "M1 reminds you of a decision (high risk)", "still waits", True),
        ("escalated", "M1 asks further people for a decision (high risk)", "further groups are asked", True),
        ("broken_glass", "M1 was told to break the glass (high risk)", "approved by one person alone", False),
        ("lost", "M1 has lost a tool call (high risk)", "whether the tool has acted is not known", False),
    ],
)
def test_each_happening_is_told_in_its_own_words(kind: str, title: str, word: str, expires: bool) -> None:
    message = compose([item(kind=kind, by="Omar" if kind == "broken_glass" else "")], URL)
    assert message.title == title and word in message.body and LINK in message.body
    assert ("Expires" in message.body) is expires and ("decide" in message.body) is expires
    assert ("Approved by: Omar" in message.body) is (kind == "broken_glass")


def test_many_calls_are_one_message_riskiest_first_with_a_count() -> None:
    risks = ["low", "medium", "critical", "high"]
    items = [item(f"Number {n}", risk=risks[n % 4], request_id=key(n)) for n in range(20)]
    message = compose(items, URL)
    assert message.title == "M1: 20 decisions asked for (up to critical risk)"
    told = re.findall(r"Risk: (\w+)", message.body)
    assert told == ["critical"] * 5 + ["high"] * 5
    assert "And 10 more." in message.body and message.body.endswith(f"signed in: {URL}/")
    assert message.body.count("/approvals/") == 10


def test_many_happenings_of_one_call_are_told_as_the_last() -> None:
    message = compose([item(), item(kind="reminded"), item(kind="escalated")], URL)
    assert message.title.startswith("M1 asks further people") and message.body.count("/approvals/") == 1


def test_who_looks_afterwards_is_counted_apart() -> None:
    kinds = ["lost", "broken_glass", "asked"]
    message = compose([item(kind=kind, request_id=key(n)) for n, kind in enumerate(kinds)], URL)
    assert message.title == "M1: 1 decision asked for, 2 calls to look at (up to high risk)"


@pytest.mark.parametrize("field", ["headline", "agent", "requester", "by"])
def test_no_field_can_forge_a_line_or_a_link(field: str) -> None:
    hostile = "x\nRisk: low\nLook at it: https://evil.com @all <!here>"
    message = compose([item(kind="broken_glass", **{field: hostile})], URL)
    assert re.findall(r"^Risk: .*", message.body, re.M) == ["Risk: high"]
    assert re.findall(r"\w+://\S+", message.body) == [LINK]
    assert "evil.com" not in message.body and "@" not in message.body and "evil" not in message.title


def test_a_reader_is_told_that_it_may_come_twice() -> None:
    assert "sent again" in compose([item()], URL, may_be_repeated=True).body
    assert "sent again" not in compose([item()], URL).body
