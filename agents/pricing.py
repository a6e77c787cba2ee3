"""What a turn cost, from the prices that ship with genai-prices. Nothing is downloaded."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from genai_prices import extract_usage
from genai_prices.types import ModelPrice, TieredPrices

from agents.planners.wire import Node

PROVIDER = "anthropic"

# More tokens than any reply can have: such a count is a broken server's, and would not fit the database either.
MOST_TOKENS = 1_000_000_000

# Which rates of genai-prices apply to a kind of token: the first one that a model has.
_RATES = {
    "input": ("input_mtok",),
    "output": ("output_mtok",),
    "cache_read": ("cache_read_mtok",),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok"),
}


@dataclass(frozen=True)
class Usage:
    """Tokens by kind. `input` is what no cache helped with; the whole prompt is the sum of all but `output`."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0


@dataclass(frozen=True)
class Cost:
    """What a turn cost: exact US dollars, None where nobody knows the price; rates per million tokens by kind."""

    usd: Decimal | None
    rates: Mapping[str, Decimal]
    priced: bool


UNPRICED = Cost(usd=None, rates={}, priced=False)
FREE = Cost(usd=Decimal(0), rates={}, priced=True)


def usage_of(raw_body: str) -> Usage:
    """Return the tokens that a reply body names; what is missing, null or absurd counts as none."""
    usage = _reported(raw_body)
    split = usage.get("cache_creation")
    split = split if isinstance(split, dict) else {}
    written_1h = _count(split.get("ephemeral_1h_input_tokens")) or 0
    written = _count(usage.get("cache_creation_input_tokens")) or 0
    return Usage(
        input=_count(usage.get("input_tokens")) or 0,
        output=_count(usage.get("output_tokens")) or 0,
        cache_read=_count(usage.get("cache_read_input_tokens")) or 0,
        cache_write_5m=max(written - written_1h, _count(split.get("ephemeral_5m_input_tokens")) or 0),
        cache_write_1h=written_1h,
    )


def price(model: str, raw_body: str) -> Cost:
    """Return what a reply cost at today's price; unpriced if the model or the token counts are unknown.

    Source: genai-prices, as installed. The rates go on record with the cost, for prices change.
    """
    reported, usage = _reported(raw_body), usage_of(raw_body)
    if _count(reported.get("input_tokens")) is None or _count(reported.get("output_tokens")) is None:
        return UNPRICED
    try:
        calculation = extract_usage({"model": model, "usage": _wire(usage)}, provider_id=PROVIDER).calc_price(
            price_context={"speed": "fast"} if reported.get("speed") == "fast" else None
        )
    except LookupError:
        return UNPRICED
    prompt = sum(asdict(usage).values()) - usage.output
    return Cost(usd=calculation.total_price, rates=_rates(calculation.model_price, prompt), priced=True)


def _reported(raw_body: str) -> dict[str, Any]:
    """Return the `usage` object of a reply body, {} where there is none that can be read."""
    try:
        usage = json.loads(Node.parse(raw_body).fields()["usage"].source)
    except (ValueError, KeyError, RecursionError):
        return {}
    return usage if isinstance(usage, dict) else {}


def _count(value: object) -> int | None:
    """Return a token count, or None for what cannot be one; True is an int in Python and no count."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST_TOKENS else None


def _wire(usage: Usage) -> dict[str, Any]:
    """Return the usage as the Messages API would report it, without what could not be read."""
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
    }


def _rates(prices: ModelPrice, prompt_tokens: int) -> dict[str, Decimal]:
    """Return the rates that applied; some models cost more, for the whole request, above a length of the prompt."""
    rates: dict[str, Decimal] = {}
    for kind, names in _RATES.items():
        found = next((rate for name in names if (rate := getattr(prices, name)) is not None), None)
        if isinstance(found, TieredPrices):
            above = [tier.price for tier in found.tiers if prompt_tokens > tier.start]
            found = above[-1] if above else found.base
        if found is not None:
            rates[kind] = found
    return rates
