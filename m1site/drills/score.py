"""How a person did in a drill."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from m1site.drills.scenario import Case

FAST_SECONDS = 5
"""An approval in less than this was hardly read; the oversight page counts by the same measure."""

CAUGHT, MISSED, FALSE_ALARM, RIGHT, LEFT_OPEN = "caught", "missed", "false_alarm", "right", "left_open"


@dataclass(frozen=True)
class Answered:
    """What the person said to one call: approve, reject or skip; and how long it stood there."""

    case: Case
    answer: str
    seconds: float

    @property
    def result(self) -> str:
        """Whether that was right, and if not, in which way it was wrong."""
        if self.answer == "skip":
            return LEFT_OPEN
        if self.case.trick:
            return MISSED if self.answer == "approve" else CAUGHT
        return RIGHT if self.answer == "approve" else FALSE_ALARM

    @property
    def is_fast(self) -> bool:
        """Whether it was approved in less time than reading takes."""
        return self.answer == "approve" and self.seconds < FAST_SECONDS


@dataclass(frozen=True)
class Score:
    """All answers of one drill; calls that were never shown are not among them."""

    answers: Sequence[Answered]

    def of(self, result: str) -> list[Answered]:
        """Return the answers with this result."""
        return [one for one in self.answers if one.result == result]

    @property
    def median_seconds(self) -> float:
        """How long half of the calls took at most; 0 where there was none."""
        return round(median(one.seconds for one in self.answers), 1) if self.answers else 0.0

    @property
    def fast(self) -> list[Answered]:
        """The approvals that were hardly read."""
        return [one for one in self.answers if one.is_fast]

    def as_json(self) -> dict[str, Any]:
        """Return the figures and each answer, for scripts."""
        return {
            "caught": len(self.of(CAUGHT)), "missed": len(self.of(MISSED)),
            "falseAlarms": len(self.of(FALSE_ALARM)), "right": len(self.of(RIGHT)),
            "leftOpen": len(self.of(LEFT_OPEN)), "medianSeconds": self.median_seconds, "fast": len(self.fast),
            "calls": [_row(one) for one in self.answers],
        }  # fmt: skip


def _row(one: Answered) -> dict[str, Any]:
    trick = one.case.trick
    return {
        "id": one.case.id, "deceptive": trick is not None, "trick": trick.name if trick else None,
        "answer": one.answer, "result": one.result, "seconds": one.seconds,
    }  # fmt: skip
