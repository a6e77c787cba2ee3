"""Reads M1_NOTIFY_URLS. Apprise is imported only where the setting is set: everybody else starts without it."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.notifications.urls import Address


def parse(text: str) -> tuple["Address", ...]:
    """Return the addresses, none for an empty text. Raises ValueError with a sentence that holds no secret."""
    return tuple(import_module("agents.notifications.urls").parse(text)) if text.strip() else ()
