"""Turn what the SDK raises into PlannerError: one sentence, the provider's request id, and whether to try again."""

from collections.abc import Mapping
from typing import Any

import anthropic
from anthropic import APIRequest, APIResponse, CallNext

from agents.planners.base import PlannerError
from agents.planners.wire import readable

# The SDK would sleep as long as a provider asks, even for days; a longer wait is the caller's to plan.
MAX_WAIT_SECONDS = 20.0
SECONDS_A_DAY = 86_400.0
MESSAGE_LIMIT = 500

_RETRYABLE = (408, 409, 429)


def do_not_wait_long(request: APIRequest, call_next: CallNext) -> APIResponse[Any]:
    """Stop the SDK's retries where the provider asks for a wait that would hold the worker too long."""
    response = call_next(request)
    wait = retry_after_seconds(response.headers)
    asked = any(name in response.headers for name in ("retry-after", "retry-after-ms"))
    if asked and (wait is None or wait > MAX_WAIT_SECONDS):
        response.headers["x-should-retry"] = "false"
    return response


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long the provider asks to wait, at most a day; None where it names no positive number."""
    try:
        wait = float(headers["retry-after-ms"]) / 1000 if "retry-after-ms" in headers else float(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return min(wait, SECONDS_A_DAY) if wait > 0 else None


def planner_error(error: anthropic.AnthropicError, *, secret: str) -> PlannerError:
    """Return the error for the run; `secret` is taken out of its text, since servers quote the key that they refuse."""
    if isinstance(error, anthropic.APIStatusError):
        return PlannerError(
            problem=_clean(f"the model's server answered {error.status_code}, {_said(error)}", secret),
            retryable=error.status_code in _RETRYABLE or error.status_code >= 500,
            status=error.status_code,
            provider_request_id=error.request_id or "",
            retry_after_seconds=retry_after_seconds(error.response.headers),
        )
    lost = isinstance(error, anthropic.APIConnectionError)
    return PlannerError(problem=_clean(f"{error} ({error.__cause__ or type(error).__name__})", secret), retryable=lost)


def _said(error: anthropic.APIStatusError) -> str:
    said = [part for part in (error.type, error.error_code, error.api_message) if isinstance(part, str)]
    return ", ".join(said) or "without saying why"


def _clean(text: str, secret: str) -> str:
    key = secret.strip()
    return readable(text.replace(key, "[api key]") if key else text, MESSAGE_LIMIT)
