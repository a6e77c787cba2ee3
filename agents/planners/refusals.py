"""Turn what the SDK raises into PlannerError: one sentence, the provider's request id, and whether to try again."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
import httpx2
from anthropic import APIRequest, APIResponse, CallNext

from agents.planners.base import PlannerError
from agents.planners.bounds import UnfinishedReplyError
from agents.planners.wire import readable

# The SDK would sleep as long as a provider asks, even for days; a longer wait is the caller's to plan.
MAX_WAIT_SECONDS = 20.0
MOST_WAIT_SECONDS = 3_600.0
MESSAGE_LIMIT = 500
ID_LIMIT = 200

_RETRYABLE = (408, 409, 429)
# Kinds of errors that pass, for servers that send them with status 200.
_PASSING = frozenset({"overloaded_error", "rate_limit_error", "api_error", "timeout_error"})


def one_attempt(request: APIRequest, call_next: CallNext) -> APIResponse[Any]:
    """Stop the SDK's own retries where they would hold the worker too long, or where a reply may have been paid for."""
    try:
        response = call_next(request)
    except anthropic.APITimeoutError as error:
        if isinstance(error.__cause__, httpx2.ReadTimeout):
            raise UnfinishedReplyError("the model's server timed out: it never answered.") from None
        raise
    wait = _numeric_wait(response.headers)
    is_asked = any(name in response.headers for name in ("retry-after", "retry-after-ms"))
    if is_asked and (wait is None or wait > MAX_WAIT_SECONDS):
        response.headers["x-should-retry"] = "false"
    return response


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long the provider asks to wait, at most an hour; None where it names no time to come."""
    wait = _numeric_wait(headers)
    if wait is None:
        wait = _dated_wait(headers)
    return min(wait, MOST_WAIT_SECONDS) if wait is not None and wait > 0 else None


def _numeric_wait(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with suppress(KeyError, ValueError):
            return float(headers[name]) * unit
    return None


def _dated_wait(headers: Mapping[str, str]) -> float | None:
    """Return how far off the date is that the provider names, by the provider's own clock where it tells the time."""
    until, now = _date(headers.get("retry-after")), _date(headers.get("date")) or datetime.now(UTC)
    return (until - now).total_seconds() if until else None


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def planner_error(error: anthropic.AnthropicError, *, secret: str) -> PlannerError:
    """Return the error for the run; `secret` is taken out of its text, since servers quote the key that they refuse."""
    if isinstance(error, anthropic.APIStatusError):
        return PlannerError(
            problem=_clean(f"the model's server answered {error.status_code}, {_said(error)}", secret),
            retryable=error.status_code in _RETRYABLE or error.status_code >= 500,
            status=error.status_code,
            provider_request_id=_id(error.request_id or _named(error.body)),
            retry_after_seconds=retry_after_seconds(error.response.headers),
        )
    if isinstance(error, UnfinishedReplyError):
        return PlannerError(
            problem=_clean(str(error), secret),
            retryable=error.retryable,
            status=error.status,
            provider_request_id=_id(error.request_id),
        )
    lost = isinstance(error, anthropic.APIConnectionError)
    return PlannerError(problem=_clean(f"{error} ({error.__cause__ or type(error).__name__})", secret), retryable=lost)


def error_in(body: bytes, *, status: int, request_id: str, secret: str) -> PlannerError | None:
    """Return the error that a server sent as if it were a reply, None where the body is no error object."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    fault = told.get("error") if isinstance(told, dict) and told.get("type") == "error" else None
    if not isinstance(fault, dict):
        return None
    kind, message = (fault.get(name) if isinstance(fault.get(name), str) else "" for name in ("type", "message"))
    said = ", ".join(filter(None, (kind, message)))
    return PlannerError(
        problem=_clean(f"the model's server answered {status} with an error in it: {said or 'no reason'}", secret),
        retryable=kind in _PASSING,
        status=status,
        provider_request_id=_id(request_id or _named(told)),
    )


def _said(error: anthropic.APIStatusError) -> str:
    said = [part for part in (error.type, error.error_code, error.api_message) if isinstance(part, str)]
    return ", ".join(said) or "without saying why"


def _named(body: object) -> str:
    """Return the request id that a body names; some servers put it into no header."""
    named = body.get("request_id") if isinstance(body, dict) else None
    return named if isinstance(named, str) else ""


def _id(text: str) -> str:
    return readable(text)[:ID_LIMIT]


def _clean(text: str, secret: str) -> str:
    key = secret.strip()
    return readable(text.replace(key, "[api key]") if key else text, MESSAGE_LIMIT)
