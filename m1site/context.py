"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from agents.approval import eligibility, waiting
from agents.models import Halt
from agents.views import halts


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the mode, and what is asked of the database only where it is shown.

    Those are how many tool calls wait for the person, whether they see halts, and the halt on everything.
    """

    def inbox_count() -> waiting.Count:
        if not request.user.is_authenticated:
            return waiting.Count(0)
        return waiting.count(eligibility.waiting_for(request.user))

    def sees_halts() -> bool:
        return request.user.is_authenticated and halts.may_see(request.user)

    def halted() -> Halt | None:
        return halts.on_everything() if request.user.is_authenticated else None

    return {
        "mode": settings.M1_MODE,
        "inbox_count": inbox_count,
        "sees_halts": sees_halts,
        "halted_everything": halted,
        "sso_name": settings.M1_OIDC_URL and settings.M1_OIDC_NAME,
    }
