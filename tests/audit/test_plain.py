"""Payload values are written in one way each, or not at all."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from audit.errors import NotCanonicalError
from audit.events import Event
from audit.plain import to_json

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NOON, "2026-01-31T12:00:00.000000Z"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-01-31T12:00:00.000000Z"),
        (UUID(int=10), "00000000-0000-0000-0000-00000000000a"),
        (Decimal("1E+2"), "100"),
        (Decimal("0.000000010"), "0.000000010"),
        (Event.RUN_CREATED, "run.created"),
        ({"a": (1, [Decimal("2.50")], None, True)}, {"a": [1, ["2.50"], None, True]}),
        ({Event.RUN_CREATED: 1.5}, {"run.created": 1.5}),
    ],
)
def test_one_way_to_say_it(value: object, expected: object) -> None:
    found = to_json(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        *(datetime(2026, 1, 1), date(2026, 1, 1), timedelta(1)),  # noqa: DTZ001 - naive on purpose
        *(Decimal("NaN"), Decimal("Infinity"), b"bytes", {1}, {1: 2}, {None: 2}, object(), math),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonicalError):
        to_json([value])
