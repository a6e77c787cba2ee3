"""What a benchmark says: figures with the mark to beat and the ceiling not to pass, as lines of JSON or a table."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    value     None where it could not be measured
    mark      what to beat: at most that, or at least where `is_floor`
    ceiling   what must not be passed, whatever the mark says
    """

    name: str
    value: float | None
    unit: str
    mark: float | None = None
    ceiling: float | None = None
    is_floor: bool = False

    @property
    def ok(self) -> bool | None:
        """Whether mark and ceiling are kept; None where there is neither, or nothing was measured."""
        if self.value is None or (self.mark is None and self.ceiling is None):
            return None
        beats = self.mark is None or (self.value >= self.mark if self.is_floor else self.value <= self.mark)
        return beats and (self.ceiling is None or self.value <= self.ceiling)

    def line(self) -> str:
        """Return the figure as one line of JSON."""
        bounds = {"mark": self.mark, "ceiling": self.ceiling}
        return json.dumps({"figure": self.name, "value": self.value, "unit": self.unit, **bounds, "ok": self.ok})

    def row(self) -> dict[str, str]:
        """Return the figure as a row of a table."""
        bound = f"{'≥' if self.is_floor else '≤'} {self.mark:g}" if self.mark is not None else ""
        words = {True: "yes", False: "MISSED", None: "not measured" if self.value is None else ""}
        value = "–" if self.value is None else f"{self.value:,.4g}" if self.value < 1000 else f"{self.value:,.0f}"
        ceiling = "" if self.ceiling is None else f"{self.ceiling:g}"
        bounds = {"mark": bound, "ceiling": ceiling, "ok": words[self.ok]}
        return {"figure": self.name, "value": value, "unit": self.unit, **bounds}


COLUMNS = [(name, name) for name in ("figure", "value", "unit", "mark", "ceiling", "ok")]


def middle(values: Iterable[float]) -> float | None:
    """Return the median to four digits, None of nothing."""
    found = list(values)
    return float(f"{median(found):.4g}") if found else None
