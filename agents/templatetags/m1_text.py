"""How pages write text that others wrote, and the facts of M1: nothing here trusts what it is given."""

from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from agents.times import clock_time, distance
from policy.reveal import marks

register = template.Library()
TEXT_LIMIT, LONG = 20_000, 1_200


@register.filter
def reveal(text: object) -> SafeString:
    """Return the text escaped, each character that the eye cannot see as a visible mark."""
    return _marked(str(text), one_line=False)


@register.filter
def reveal_line(text: object) -> SafeString:
    """Return the same for what must stay on one line: line breaks and tabs are marked as well."""
    return _marked(str(text), one_line=True)


def _marked(text: str, *, one_line: bool) -> SafeString:
    pieces = marks(text, one_line=one_line)
    shown = (_mark(piece.text, piece.title) if piece.is_mark else piece.text for piece in pieces)
    return format_html_join("", "{}", ((piece,) for piece in shown))


def _mark(text: str, title: str) -> SafeString:
    return format_html('<mark class="unseen" title="{}">{}</mark>', title, text)


@register.inclusion_tag("agents/_foreign.html")
def foreign(text: str, label: str = "", limit: int = TEXT_LIMIT) -> dict[str, Any]:
    """Show text that is not M1's own: boxed, labelled, bounded in size."""
    return {"text": text[:limit], "label": label, "left_out": max(0, len(text) - limit), "is_long": len(text) > LONG}


@register.simple_tag
def moment(value: datetime | None, now: datetime, seconds: bool = False) -> SafeString | str:
    """Show a time: how far away it is, and the absolute time beside it."""
    if value is None:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}">'
        '<span class="age">{}</span> <span class="clock">{}</span></time>',
        value.isoformat(), f"{value:%Y-%m-%d %H:%M:%S} UTC", distance(value - now),
        clock_time(value, now, seconds=seconds),
    )  # fmt: skip


@register.simple_tag
def took(begin: datetime | None, end: datetime | None) -> str:
    """Return how long something took."""
    if begin is None or end is None:
        return ""
    seconds = (end - begin).total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:,.1f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"


@register.filter
def usd(value: Decimal | None) -> str:
    """Return an amount in US dollars; small ones keep the digits that make them something."""
    if value is None:
        return "price not known"
    if value and abs(value) < Decimal("0.01"):
        return f"${value.normalize():f}"
    return f"${value:,.2f}"


@register.filter
def short(digest: str) -> str:
    """Return the first characters of a digest, after the word for its kind if it has one."""
    kind, colon, code = digest.rpartition(":")
    return f"{kind}{colon}{code[:12]}"


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Draw one symbol of the sheet m1/icons.svg; the words beside it say what it means."""
    sheet = static("m1/icons.svg")
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>', sheet, name)


@register.simple_tag
@lru_cache(64)
def risk(word: str) -> SafeString:
    """Show how risky a call is: in words, and as bars."""
    level = {"low": 1, "medium": 2, "high": 3}.get(word, 4)
    shown = {"word": word, "bars": [number <= level for number in range(1, 5)]}
    return render_to_string("agents/_risk.html", shown)


@register.inclusion_tag("agents/_status.html")
def status(word: str, waiting_for: str = "") -> dict[str, Any]:
    """Show the state of a run or a tool call."""
    said = f"waiting for {waiting_for}" if waiting_for else word
    return {"word": word, "said": said, "symbol": _SYMBOLS.get(word, "dot")}


_SYMBOLS = {
    "pending": "clock", "waiting": "clock", "planning": "spark", "approved": "check", "executing": "spark",
    "succeeded": "check", "completed": "check", "denied": "stop", "rejected": "cross", "failed": "cross",
    "expired": "clock", "cancelled": "stop", "lost": "warn",
}  # fmt: skip
