"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from agents import eligibility


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the mode, and how many tool calls wait for the person (asked of the database only where it is shown)."""

    def inbox_count() -> int:
        return eligibility.waiting_for(request.user).count() if request.user.is_authenticated else 0

    return {"mode": settings.M1_MODE, "inbox_count": inbox_count}
