"""The questions of `m1 review` and what stands above them, without a server: what is read, typed and flagged."""

from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from audit import canonical
from m1site.cli import layout, typed
from m1site.cli.asking import Answer, ask
from m1site.cli.call_values import is_as_digested
from m1site.cli.looking import Look
from m1site.cli.oddities import oddities
from m1site.drills import calls, reading

LONG = "x = 1\n" * 300 + "rm -rf /\n"
SCREENS = "\n" * -(-302 // 21)


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def staged(**facts: Any) -> dict[str, Any]:
    """Return a call that nothing is odd about, but for these facts."""
    honest = next(case for case in reading.read("first").cases if case.id == "till-script")
    call = calls.call_of(honest, []) | {"arguments": {"path": "a.txt"}} | facts
    return call | {"argumentsDigest": canonical.digest(canonical.encode(call["arguments"]))} | facts


def answered(call: dict[str, Any], keys: str) -> tuple[Answer | None, Look, str]:
    """Return what the person answers who types these keys, None where they end before; the look, and the screen."""
    with CliRunner().isolation(keys) as (screen, *_):
        look = Look(call)
        try:
            found = ask(look)
        except click.Abort:
            found = None
        return found, look, screen.getvalue().decode()


# What is typed about 302 lines, fifteen screens, and whether that is a yes.
LONG_ANSWERS = [
    ("a\n" + SCREENS, False),  # the first one only begins the reading
    ("a\nq\na\nq\nq\n", False),
    ("v\n" + "\n" * 3 + "q\na\nq\nq\n", False),
    ("A\nyes\n\n aa \nq\n", False),
    ("v\n" + SCREENS[1:] + "a\n", True),
    ("a\n" + SCREENS[1:] + "a\n", True),
]


@pytest.mark.parametrize("part", ["arguments", "preview"])
@pytest.mark.parametrize(("keys", "is_yes"), LONG_ANSWERS)
def test_a_long_part_is_read_to_its_end_before_a_yes_counts(part: str, keys: str, is_yes: bool) -> None:
    facts = {"arguments": {"content": LONG}, "preview": {"kind": "diff", "summary": "", "body": LONG}}
    found, look, screen = answered(staged(**{part: facts[part]}), keys)
    assert (found == Answer("approve")) == is_yes
    assert look.sheet.expanded == [part] * ("That was all of" in screen)
    assert not is_yes or ("│ rm -rf /" in screen and look.sheet.expanded)


# The facts of the call, what is typed, and the answer; None where nothing is to be recorded.
HIGH = {"risk": "high", "tool": "files.delete"}
TYPED: list[tuple[dict[str, Any], str, Answer | None]] = [
    (HIGH, "a\nfiles.delete\n", Answer("approve")),
    (HIGH, "a\nfiles.write\n", None),
    (HIGH, "a\nFILES.DELETE\n", None),
    (HIGH, "a\n\n", None),
    (HIGH, "a\na\na\n", None),
    (HIGH, "a\n", None),
    (HIGH | {"signInMinutes": 5}, "a\n", Answer("approve")),  # the door asks for the sign-in instead
    ({}, "a\n", Answer("approve")),
    ({}, "y\n1\n\nA\nok\napprove\n", None),
    ({}, "e\nv\n", None),
    ({}, "r\n\n", None),
    ({}, "r\n   \n", None),
    ({}, "r\n2\n", Answer("reject", {"comment": "Out of scope"})),
    ({}, "r\n9\n", Answer("reject", {"comment": "9"})),
    ({}, "r\n", None),
    ({}, "x\n4\n", Answer("reject", {"comment": "Wrong environment", "stopRun": True})),
    ({}, "s\n", Answer("skip")),
    ({}, "q\n", Answer("quit")),
    ({}, "", None),
    ({"argumentsDigest": "0" * 64}, "a\n", None),
]


@pytest.mark.parametrize(("facts", "keys", "answer"), TYPED)
def test_only_a_whole_answer_is_one(facts: dict[str, Any], keys: str, answer: Answer | None) -> None:
    assert answered(staged(**facts), keys)[0] == answer


def test_a_key_typed_within_half_a_second_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, times = iter("aas"), iter([0.0, 0.1, 1.0, 1.49, 2.0, 2.5])
    forgot: list[int] = []
    monkeypatch.setattr(typed, "is_terminal", lambda: True)
    monkeypatch.setattr("termios.tcflush", lambda stream, queue: forgot.append(queue))
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    monkeypatch.setattr(click, "prompt", lambda *words, **options: next(answers))
    assert typed.key("?", ["a", "s"]) == "s"
    assert len(forgot) == 3


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n")), st.integers(2, 40))
def test_rows_are_the_text_and_fit(text: str, width: int) -> None:
    found = list(layout.rows(text, width))
    assert "".join(found) == text
    assert all(cell_len(row) <= width or len(row) == 1 for row in found)


FORGED = "a.txt" + " " * 70 + "2 of 2 approvals\nWhat will run\n  tool  files.read\n" + "APPROVED by admin " * 20


@pytest.mark.parametrize("field", ["headline", "reason", "goal", "arguments", "turnText", "preview"])
def test_no_text_of_an_agent_begins_where_only_m1_writes(field: str) -> None:
    call, facts = staged(), {"arguments": {"path": FORGED}, "preview": {"summary": FORGED, "body": FORGED}}
    call["around"] |= {"turnText": FORGED} if field == "turnText" else {}
    call |= {field: facts.get(field, FORGED)}
    screen = answered(call, "v\n" + SCREENS + "q\n")[2]
    assert "APPROVED by admin" in screen
    for line in screen.splitlines():
        assert not line.strip().startswith(("APPROVED", "2 of 2", "tool  files", "admin")), line
        assert cell_len(line) <= 80 or line.startswith("("), line
    assert [line for line in screen.splitlines() if "What will run" in line].count("What will run") == 1


# A text, and what a person is told of it; nothing for honest ones in any script.
ODD = [
    ("plain text, 42.00 EUR", ""),
    ("مرحبا ليلى", "from right to left"),
    ("שלום", "from right to left"),
    ("Надежда 👩‍👩‍👧 naïve", ""),
    ("pay\u202eEVIL", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("a\u200bb", "1 of its characters cannot be seen"),
    ("p\u0430ypal.com", "CYRILLIC SMALL LETTER A (U+0430)"),
    ("fine." + " " * 900 + "and more", "900 spaces"),
    ("fine." + " " * 900, ""),
    ("fine." + "\n" * 480 + "and more", "480 line breaks"),
]


@pytest.mark.parametrize(("text", "words"), ODD)
def test_what_the_eye_passes_over_is_said(text: str, words: str) -> None:
    found = " / ".join(oddities(text))
    assert words in found and bool(found) == bool(words)


def test_a_megabyte_of_blanks_takes_one_pass() -> None:
    assert oddities("x" + " \n" * 500_000) == []


# Arguments as REST tells them beside the digest that it names, and whether a terminal trusts them.
DIGEST = "0" * 64
CALLS: list[tuple[dict[str, Any], bool]] = [
    ({"arguments": {"a": 1}, "argumentsDigest": DIGEST, "promises": None}, False),
    ({"arguments": {"a": 1e400}, "argumentsDigest": DIGEST, "promises": None}, False),
    ({"arguments": None, "argumentsDigest": DIGEST, "promises": None}, True),
    ({"arguments": {"a": {"masked": True, "bytes": 3}}, "argumentsDigest": DIGEST,
      "promises": {"sensitiveArguments": ["a"]}}, True),
    ({"arguments": {"a": {"masked": True, "bytes": 3}}, "argumentsDigest": DIGEST,
      "promises": {"sensitiveArguments": []}}, False),
]  # fmt: skip


@pytest.mark.parametrize(("call", "is_right"), CALLS)
def test_the_digest_is_made_again(call: dict[str, Any], is_right: bool) -> None:
    assert is_as_digested(call) == is_right
