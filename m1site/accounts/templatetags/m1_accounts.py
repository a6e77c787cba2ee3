"""How the pages about a person's own security write what they show."""

import re
from datetime import UTC, datetime

from django import template
from django.utils.safestring import SafeString

from agents.templatetags.m1_text import moment

register = template.Library()
UNKNOWN = "An unknown browser"
# The first that is found names it: each of them also claims to be those below it.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS", "Chrome"), ("Safari", "Safari"), ("curl", "curl"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone|iPod", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"), ("Windows", "Windows"),
    ("Mac OS X|Macintosh", "macOS"), ("Linux|X11", "Linux"),
)  # fmt: skip


@register.filter
def browser(user_agent: str) -> str:
    """Return what a person calls the browser that says this of itself: `Firefox on Windows`."""
    program, system = (_first(table, user_agent) for table in (_BROWSERS, _SYSTEMS))
    if program is None:
        return UNKNOWN
    return f"{program} on {system}" if system else program


@register.simple_tag
def since(value: datetime | None) -> SafeString | str:
    """Show a time: how far away it is from now, and the absolute time beside it."""
    return moment(value, datetime.now(UTC))


def _first(table: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((name for pattern, name in table if re.search(pattern, text)), None)
