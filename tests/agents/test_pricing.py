"""What a turn costs: exact, from bundled prices, and unpriced rather than guessed."""

import json
import socket
from decimal import Decimal
from typing import Any

import pytest

from agents.pricing import UNPRICED, Usage, price, usage_of


def body(**usage: Any) -> str:
    return json.dumps({"type": "message", "content": [], "usage": usage})


ALL_KINDS = {
    "input_tokens": 1_000_001,
    "output_tokens": 3,
    "cache_read_input_tokens": 7,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
}


@pytest.mark.parametrize(
    ("model", "per_million"),
    [  # reference prices of November 2026: input, output, cache write 5 minutes and 1 hour, cache read
        ("claude-opus-5-5", ("4", "20", "5", "8", "0.2")),
        ("claude-opus-5-5-20260901", ("4", "20", "5", "8", "0.2")),
        ("claude-sonnet-5-5", ("2", "10", "2.5", "4", "0.1")),
        ("claude-fable-5-2", ("8", "40", "10", "16", "0.2")),
        ("claude-haiku-4-5", ("1", "5", "1.25", "2", "0.1")),
    ],
)
def test_every_kind_of_token_has_its_price(model: str, per_million: tuple[str, ...]) -> None:
    cost = price(model, body(**ALL_KINDS))

    assert [
        str(cost.rates[kind]) for kind in ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    ] == [*per_million]
    expected = sum(
        count * Decimal(rate) for count, rate in zip((1_000_001, 3, 10, 20, 7), per_million, strict=True)
    ) / Decimal(1_000_000)
    assert (cost.usd, cost.priced) == (expected, True)


@pytest.mark.parametrize(("prompt", "rate"), [(100_000, "0.1"), (100_001, "0.5")])
def test_a_long_prompt_pays_the_higher_rate_for_all_of_it(prompt: int, rate: str) -> None:
    cost = price("claude-haiku-5-5", body(input_tokens=prompt - 1, output_tokens=0, cache_read_input_tokens=1))

    assert cost.rates["input"] == Decimal(rate)
    assert cost.usd == ((prompt - 1) * cost.rates["input"] + cost.rates["cache_read"]) / 1_000_000


@pytest.mark.parametrize("model", ["llama3", "scripted", "", "gpt-5", "claude-mythos-5", "my-claude"])
def test_an_unknown_model_is_unpriced_but_its_tokens_count(model: str) -> None:
    assert price(model, body(**ALL_KINDS)) == UNPRICED
    assert usage_of(body(**ALL_KINDS)) == Usage(1_000_001, 3, 7, 10, 20)


@pytest.mark.parametrize(
    ("usage", "expected", "priced"),
    [
        ({"input_tokens": 5, "output_tokens": 2}, Usage(5, 2), True),
        ({"input_tokens": 5, "output_tokens": 2, "cache_creation_input_tokens": 9}, Usage(5, 2, 0, 9, 0), True),
        ({"input_tokens": 5, "output_tokens": 2, "cache_creation": None, "server_tool_use": None}, Usage(5, 2), True),
        ({"input_tokens": None, "output_tokens": 2}, Usage(0, 2), False),
        ({"input_tokens": 5}, Usage(5), False),
        ({"input_tokens": -5, "output_tokens": 2}, Usage(0, 2), False),
        ({"input_tokens": True, "output_tokens": 2}, Usage(0, 2), False),
        ({"input_tokens": "5", "output_tokens": 2}, Usage(0, 2), False),
        ({"input_tokens": 5.5, "output_tokens": 2}, Usage(0, 2), False),
        ({"input_tokens": 10**30, "output_tokens": 2}, Usage(0, 2), False),
        ({"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": "x"}, Usage(5, 2), True),
        ({}, Usage(), False),
    ],
)
def test_odd_counts_never_become_a_price(usage: dict[str, Any], expected: Usage, priced: bool) -> None:
    assert usage_of(body(**usage)) == expected
    assert price("claude-opus-5-5", body(**usage)).priced is priced


@pytest.mark.parametrize(
    "raw", ["", "null", "[]", "{}", '{"usage":7}', '{"usage":{"input_tokens":1' + "0" * 5000 + "}}"]
)
def test_a_body_without_readable_usage_is_unpriced(raw: str) -> None:
    assert (price("claude-opus-5-5", raw), usage_of(raw)) == (UNPRICED, Usage())


def test_prices_come_from_the_package_and_not_from_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("a price was looked up on the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    assert price("claude-opus-5-5", body(input_tokens=1, output_tokens=0)).usd == Decimal("0.000004")
