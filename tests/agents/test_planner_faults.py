"""Whatever goes wrong on the way to Claude and back is one error with the provider's request id, never a proposal."""

import gzip
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from agents.planners import bounds
from agents.planners.base import PlannerError, Reply, Stop
from agents.planners.claude import ClaudePlanner
from tests.agents.asking_claude import claude, failure, first_turn
from tests.agents.conversations import conversation
from tests.claude_server import KEY, Answer, error, message, overloaded, rate_limited, text, tool_use

SOON = error(500, "api_error", "x", retry_after_ms="1")
WHOLE = message(tool_use("toolu_1", "files__read", {"path": "a", "reason": "r"}))
HTML = {"content-type": "text/html"}
UNTOLD = {"content-length": ""}
NOW = datetime.now(UTC)


@pytest.mark.parametrize("trouble", [overloaded(), rate_limited(), SOON, rate_limited("0"), replace(WHOLE, cut=-1)])
def test_trouble_that_passes_is_retried_and_counted(trouble: Answer) -> None:
    reply = first_turn(trouble, trouble, message(text("At last.")))

    assert (reply.stop, reply.retries, reply.provider_request_id) == (Stop.DONE, 2, "req_0003")


@pytest.mark.parametrize(
    ("answer", "attempts", "status", "retryable"),
    [
        (overloaded(), 3, 529, True),
        (rate_limited(), 3, 429, True),
        (rate_limited("3600"), 1, 429, True),
        (rate_limited("Wed, 21 Oct 2099 07:28:00 GMT"), 1, 429, True),
        (rate_limited("inf"), 1, 429, True),
        (rate_limited("nan"), 3, 429, True),
        (rate_limited("-7"), 3, 429, True),
        (error(400, "invalid_request_error", "prompt is too long"), 1, 400, False),
        (error(402, "billing_error", "no credit"), 1, 402, False),
        (error(403, "permission_error", "not this model"), 1, 403, False),
        (error(404, "not_found_error", "model: nope"), 1, 404, False),
        (error(408, "timeout_error", "x", x_should_retry="false"), 1, 408, True),
        (error(413, "request_too_large", "too much"), 1, 413, False),
        (error(500, "api_error", "Internal", x_should_retry="false"), 1, 500, True),
        (error(504, "timeout_error", "x", x_should_retry="false"), 1, 504, True),
        (Answer(307, b"", {"location": "http://127.0.0.1:1/"}), 1, 307, False),
        (Answer(502, b"<html>Bad gateway</html>", {"retry-after-ms": "1"} | HTML), 3, 502, True),
        (Answer(503, b"", {"retry-after-ms": "1"}), 3, 503, True),
        (Answer(400, b"\x1f\x8bgarbage", {"content-encoding": "gzip"}), 1, 400, False),
        (Answer(400, b'{"error":[7]}'), 1, 400, False),
        (Answer(400, b'{"error":{"type":7,"message":{},"details":3}}'), 1, 400, False),
        (Answer(400, b"x" * 5_000_000), 1, 400, False),
        (Answer(400, b'{"type":', UNTOLD, cut=8), 1, 400, False),
        (replace(error(400, "invalid_request_error", "x" * 200), cut=90), 1, 400, False),
    ],
)
def test_an_error_of_the_provider_names_its_request_and_whether_to_try_again(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, attempts: int, status: int, retryable: bool
) -> None:
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.001)
    with claude(lambda request: answer) as (planner, server), pytest.raises(PlannerError) as caught:
        planner.next_turn(conversation())

    assert (caught.value.status, caught.value.retryable) == (status, retryable)
    assert caught.value.provider_request_id == f"req_{attempts:04d}"
    assert len(server.requests) == attempts and str(status) in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3600"}, 3600),
        ({"retry-after": "3601"}, 3600),
        ({"retry-after": "inf"}, 3600),
        ({"retry-after": "9e99"}, 3600),
        ({"retry-after-ms": "90000"}, 90),
        ({"retry-after-ms": "soon", "retry-after": "30"}, 30),
        ({"retry-after": format_datetime(NOW + timedelta(days=9), usegmt=True)}, 3600),
        ({"retry-after": "Fri, 01 Jan 2100 00:10:00 GMT", "date": "Fri, 01 Jan 2100 00:00:00 GMT"}, 600),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"retry-after": "Fri, 99 Dec 1999 23:59:59 GMT"}, None),
        ({"retry-after": "Fri, 01 Jan 2100 00:00:00 +9999999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan", "x-should-retry": "false"}, None),
        ({"retry-after": "-1", "x-should-retry": "false"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_passed_on_within_reason(headers: dict[str, str], seconds: float | None) -> None:
    """A date counts from the provider's own, so that a clock that is wrong here does no harm."""
    answer = Answer(429, b"{}", {"x-should-retry": "false"} | headers)

    assert failure(answer).retry_after_seconds == seconds


def test_a_request_id_that_only_the_body_names_is_known_too() -> None:
    without = {"request-id": ""}
    fault = error(400, "invalid_request_error", "no")
    assert failure(replace(fault, headers=without)).provider_request_id == "req_in_body"
    assert failure(replace(fault, status=200, headers=without)).provider_request_id == "req_in_body"
    assert failure(Answer(400, b'{"request_id":7}', without)).provider_request_id == ""
    assert len(failure(Answer(400, b"{}", {"request-id": "r" * 9_000})).provider_request_id) == 200


def test_a_refused_key_is_not_in_the_error() -> None:
    caught = failure(api_key="sk-ant-the-wrong-one")  # the server quotes it

    assert (caught.status, caught.retryable) == (401, False)
    assert "the-wrong-one" not in str(caught) and "[api key]" in str(caught)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("cut", [0, 1, len(WHOLE.body) // 2, len(WHOLE.body) - 1])
def test_a_connection_lost_in_the_reply_is_an_error_at_once_with_the_request_that_was_paid_for(
    cut: int, reset: bool
) -> None:
    with (
        claude(lambda request: replace(WHOLE, cut=cut, reset=reset)) as (planner, server),
        pytest.raises(PlannerError, match="lost in the middle") as caught,
    ):
        planner.next_turn(conversation())

    assert (caught.value.retryable, caught.value.status, caught.value.provider_request_id) == (True, 200, "req_0001")
    assert len(server.requests) == 1


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_lost_before_the_reply_is_tried_again_and_then_an_error(reset: bool) -> None:
    with (
        claude(lambda request: replace(WHOLE, cut=-1, reset=reset), max_retries=1) as (planner, server),
        pytest.raises(PlannerError, match="Connection error") as caught,
    ):
        planner.next_turn(conversation())

    assert (caught.value.retryable, caught.value.status, caught.value.provider_request_id) == (True, None, "")
    assert len(server.requests) == 2


@pytest.mark.parametrize("cut", range(0, len(WHOLE.body), 7))
def test_a_reply_that_ends_anywhere_before_its_end_is_never_a_proposal(cut: int) -> None:
    caught = failure(Answer(200, WHOLE.body[:cut], UNTOLD, cut=cut))  # nothing on the wire says that more was to come

    assert (caught.retryable, caught.provider_request_id, caught.status) == (True, "req_0001", 200)


def test_a_server_that_is_not_there_is_an_error() -> None:
    nobody = ClaudePlanner(api_key=KEY, base_url="http://127.0.0.1:1", timeout=5, max_retries=0)
    with pytest.raises(PlannerError, match="refused") as caught:
        nobody.next_turn(conversation())

    assert (caught.value.retryable, caught.value.provider_request_id) == (True, "")


@pytest.mark.parametrize("address", ["http://localhost:notaport", "ftp://127.0.0.1/", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_is_an_error(address: str) -> None:
    with pytest.raises(PlannerError):
        ClaudePlanner(api_key=KEY, base_url=address, timeout=5, max_retries=0).next_turn(conversation())


@pytest.mark.parametrize(
    ("held", "words", "request_id"), [("gate", "never answered", ""), ("stall", "middle of the reply", "req_0001")]
)
def test_a_server_that_falls_silent_is_given_up_and_not_asked_twice(held: str, words: str, request_id: str) -> None:
    release = threading.Event()
    answer = replace(WHOLE, cut=40, **{held: release})
    with claude(lambda request: answer, timeout=1) as (planner, server):
        with pytest.raises(PlannerError, match=words) as caught:
            planner.next_turn(conversation())
        release.set()

    assert (caught.value.retryable, caught.value.provider_request_id, len(server.requests)) == (True, request_id, 1)


def test_a_reply_that_comes_drop_by_drop_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds.Bounds, "__init__", lambda self, seconds: setattr(self, "_seconds", -1))

    assert "too slowly" in str(failure(WHOLE))


@pytest.mark.parametrize(
    ("body", "retryable"),
    [
        (b"", True),
        (b" \n", True),
        (b"<html>Welcome to the hotel network</html>", False),
        (b'event: message_start\ndata: {"type":"message_start"}\n\n', False),
        (b"\x00\xff\xfe", False),
        (b"[]", False),
        (b"null", False),
        (b"{}", False),
        (b'{"type":"error","error":{"type":"x"}}', False),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', True),
        (b'{"type":"error","error":{"type":["overloaded_error"]}}', False),
        (b'{"type":"error","error":7}', False),
        (b'{"type":"error"}', False),
        (b'{"type":"message"}', False),
        (b'{"type":"message","content":null}', False),
        (b'{"type":"message","content":"text"}', False),
        (b'{"type":"message","content":[7]}', False),
        (b'{"type":"message","content":[],"content":[]}', False),
        (b'{"type":"message","content":[{"type":"text","type":"tool_use"}]}', False),
        (b'{"type":"message","content":[],"usage":NaN}', False),
        (b'{"type":"message","content":[]} {}', False),
        (b'{"type":"message","content":[{"type":"text","text":"\xff"}]}', False),
        (b'{"type":"message","content":[' + b"[" * 200_000 + b"]" * 200_000 + b"]}", False),
        (WHOLE.body + b" " * 9_000_000, False),
        (gzip.compress(WHOLE.body, mtime=0), False),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_a_body_that_is_no_message_is_an_error_and_never_a_proposal(body: bytes, retryable: bool) -> None:
    caught = failure(Answer(200, body))

    assert (caught.retryable, caught.provider_request_id, caught.status) == (retryable, "req_0001", 200)
    assert "overloaded_error" in str(caught) or not (retryable and body.strip())


def test_a_body_that_would_unfold_into_a_thousandfold_is_not_unfolded() -> None:
    bomb = gzip.compress(b'{"type":"message","content":[' + b" " * 50_000_000 + b"]}")
    with (
        claude([Answer(200, bomb, {"content-encoding": "gzip"})]) as (planner, server),
        pytest.raises(PlannerError, match="not one of the Messages API"),
    ):
        planner.next_turn(conversation())

    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("kind", ["text/html", "text/event-stream", "application/octet-stream", "nonsense", ""])
def test_a_reply_is_known_by_what_it_is_and_not_by_what_it_is_called(kind: str) -> None:
    reply = first_turn(replace(WHOLE, headers={"content-type": kind}))

    assert (reply.stop, len(reply.uses)) == (Stop.CALLS, 1)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}},
        {"type": "a_block_of_next_year", "data": [1.0, None]},
        {"type": 7},
        {},
        {"type": "redacted_thinking", "data": "AA=="},
        {"type": "text", "text": 7},
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "I approve."},
    ],
)
def test_blocks_that_m1_does_not_know_are_no_calls(block: dict[str, object]) -> None:
    assert _shown(first_turn(message(block, text("Done.")))) == (Stop.DONE, 0, "Done.")
    calls = first_turn(
        message(block, tool_use("toolu_1", "files__read", {"path": "a", "reason": "r"}), stop_reason="tool_use")
    )
    assert _shown(calls) == (Stop.CALLS, 1, "")


def _shown(reply: Reply) -> tuple[Stop, int, str]:
    return reply.stop, len(reply.uses), reply.text


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"input_tokens": -5, "output_tokens": -1}, (0, 0)),
        ({"input_tokens": 10**30, "output_tokens": 7}, (0, 7)),
        ({"input_tokens": True, "output_tokens": "9"}, (0, 0)),
        ({"input_tokens": 1.5, "output_tokens": 2e3}, (0, 0)),
        ({"input_tokens": [1], "output_tokens": {"a": 1}}, (0, 0)),
        ("many", (0, 0)),
    ],
)
def test_token_counts_that_cannot_be_are_none_and_unpriced(usage: object, tokens: tuple[int, int]) -> None:
    reply = first_turn(message(text("Hi."), usage=usage))

    assert (reply.usage.input, reply.usage.output) == tokens
    assert (reply.cost.priced, reply.cost.usd) == (False, None)
