"""Fields of REST bodies that only tool calls and delegations have."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from agents.approval.attention import MAX_OPEN_SECONDS


class Seconds(serializers.FloatField):
    """How long a person looked, as their client reports it: a JSON number of seconds, thirty days at most."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=MAX_OPEN_SECONDS, **kwargs)

    def to_internal_value(self, data: Any) -> float:
        """Return the number; neither a string of digits nor `true` is one."""
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A point in time, ISO 8601 with its offset from UTC: without one, nobody knows when it is."""

    default_error_messages = {"no_offset": "Say the offset from UTC too, as in 2026-08-01T09:00:00Z."}

    def to_internal_value(self, value: Any) -> datetime:
        """Return the time."""
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss]Z")
        return super().to_internal_value(value)

    def enforce_timezone(self, value: datetime) -> datetime:
        """Refuse a time of nowhere."""
        if value.tzinfo is None:
            self.fail("no_offset")
        return super().enforce_timezone(value)
