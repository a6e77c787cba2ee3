"""Times as people read them: how far away, and when exactly."""

from datetime import datetime, timedelta

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def distance(difference: timedelta) -> str:
    """Return a difference in words: `in 4 minutes`, `2 days ago`."""
    seconds = round(difference.total_seconds())
    if abs(seconds) < 5:
        return "now"
    size, unit = next((size, unit) for size, unit in _UNITS if abs(seconds) >= size)
    count = abs(seconds) // size
    words = f"{count} {unit}{'s' if count > 1 else ''}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def clock_time(value: datetime, now: datetime, *, seconds: bool = False) -> str:
    """Return the absolute time, with its date when that is not today."""
    year = "" if value.year == now.year else f" {value.year}"
    day = "" if value.date() == now.date() else f"{value.day} {value:%b}{year}, "
    return f"{day}{value:%H:%M:%S} UTC" if seconds else f"{day}{value:%H:%M} UTC"
