"""What a tool may return, through the whole line: its call rests, the worker lives, and no secret is on record."""

import json
from typing import Any

import pytest

from agents import masking, tasks
from agents.models import ToolCall
from audit.models import AuditPayload
from tests.agents import executor
from tests.agents.steps import approved
from tests.world import World

pytestmark = pytest.mark.django_db
TOKEN = "smtp://m1:p%40ss-word@mail.example.com"
TOOLS = [f"hostile.{name}" for name in ("large", "large_secret", "returns", "pipe_flood", "kill", "refuses", "quotes")]


@pytest.fixture(autouse=True)
def executes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an executor with the hostile tools, which are granted a credential."""
    monkeypatch.setenv("M1_TEST_GRANTED", TOKEN)
    executor.give(world, monkeypatch, *TOOLS)


def executed(world: World, tool: str, arguments: dict[str, Any]) -> ToolCall:
    """Return a call after an executor had it."""
    call = approved(world, tool=tool, arguments=arguments)
    tasks.execute(str(call.pk))
    return ToolCall.objects.select_related("execution", "tool_version").get(pk=call.pk)


RETURNED: list[tuple[str, dict[str, Any], str, str]] = [
    ("hostile.large", {"size": 1000}, "succeeded", ""),
    ("hostile.large", {"size": 300_000}, "succeeded", ""),
    ("hostile.large", {"size": 1_000_000_000}, "failed", "memory"),
    ("hostile.large_secret", {"size": 300_000}, "succeeded", ""),
    ("hostile.returns", {"what": "bytes"}, "failed", "not_json"),
    ("hostile.returns", {"what": "surrogate"}, "failed", "not_json"),
    ("hostile.returns", {"what": "nul"}, "failed", "not_json"),
    ("hostile.pipe_flood", {}, "failed", "output_limit"),
    ("hostile.kill", {"number": 9}, "failed", "crashed"),
]
QUOTED: list[tuple[str, dict[str, Any], str, str]] = [
    ("hostile.refuses", {"message": "The key sesame-1 is wrong"}, "sesame", "[message]"),
    ("hostile.quotes", {"secret": ["4711-x", "Ada L."], "how": "{0}, {1}?"}, "4711", "[secret], [secret]?"),
    ("hostile.quotes", {"secret": ["long", "longer"], "how": "{1} {0}"}, "long", "[secret] [secret]"),
    ("hostile.quotes", {"secret": ["ü/ß&x"], "how": "url"}, "%C3%BC", "[secret]"),
    ("hostile.quotes", {"secret": ["ü\nßé"], "how": "json"}, "u00fc", '["[secret]"]'),
    ("hostile.quotes", {"secret": ["it's \t so"], "how": "repr"}, "so", "[secret]"),
    ("hostile.quotes", {"secret": ["zero\u200bwidth"], "how": "{0}"}, "width", "[secret]"),
    ("hostile.quotes", {"secret": ["sesame-1"], "how": "x" * 1_996 + "{0}"}, "sesa", "xxx[sec"),
    ("hostile.quotes", {"secret": [], "how": "environment"}, "mail.example.com", "[M1_TEST_GRANTED]"),
    ("hostile.quotes", {"secret": [], "how": "password"}, "p%40ss", "[M1_TEST_GRANTED]"),
    ("hostile.quotes", {"secret": ["no", ""], "how": "no, that is not it"}, "[", "no, that is not it"),
]


def test_whatever_a_tool_returns_its_call_rests(world: World) -> None:
    for tool, arguments, status, code in RETURNED:
        call = executed(world, tool, arguments)
        assert (call.status, call.execution.error_code) == (status, code), (tool, arguments)
        said = masking.for_model(call)
        assert said and "\0" not in said
        is_cut = arguments.get("size", 0) == 300_000
        assert call.execution.is_truncated in (is_cut, code == "output_limit"), tool
        if is_cut:
            assert json.loads(said)["bytes"] == call.execution.output_bytes == 300_011
            assert len(call.execution.output_digest) == (55 if tool == "hostile.large_secret" else 64)
            assert "ssss" not in call.execution.output


def test_an_error_that_quotes_a_secret_is_kept_without_it(world: World) -> None:
    for tool, arguments, hidden, said in QUOTED:
        call = executed(world, tool, arguments)
        assert (call.status, call.execution.error_code) == ("failed", "tool_error"), arguments
        assert said in call.execution.error and hidden not in call.execution.error, call.execution.error
        bodies = b"".join(bytes(body) for body in AuditPayload.objects.values_list("body", flat=True))
        assert len(hidden) < 3 or hidden.encode() not in bodies
