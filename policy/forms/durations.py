"""Minutes as people say them: an amount and a unit."""

UNITS = {"minutes": 1, "hours": 60, "days": 24 * 60}


def split(minutes: int) -> tuple[int, str]:
    """Return the amount in the largest unit that says it exactly: 1440 is 1 day."""
    unit = next(unit for unit in reversed(UNITS) if minutes % UNITS[unit] == 0)
    return minutes // UNITS[unit], unit


def minutes(amount: int, unit: str) -> int:
    """Return an amount of a unit in minutes."""
    return amount * UNITS[unit]
