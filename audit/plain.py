"""Python values as plain JSON, so that a payload says a time or an amount in one way only."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from audit.errors import NotCanonicalError
from audit.strict import JSON


def to_json(value: object) -> JSON:
    """Return the value with datetimes, UUIDs, decimals and enum members written as text, the rest unchanged.

    Times are UTC to the microsecond, decimals never in exponents. Raises NotCanonicalError for any other type.
    """
    if value is None or isinstance(value, bool | int | float | str) and not isinstance(value, Enum):
        return value
    if isinstance(value, dict):
        return {_key(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> JSON:
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return utc_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    raise NotCanonicalError(reason=f"a {type(value).__name__} that JSON cannot say")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise NotCanonicalError(reason="a key that is not text")
    return str(key)


def utc_text(moment: datetime) -> str:
    """Return an aware time as 2026-01-31T12:00:00.000000Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
