"""How people decide, in numbers: whether a yes was looked at, and how long it took."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from agents.models import Decision

FAST_SECONDS = 5
_FIELDS = (
    *("person__username", "answer", "kind", "is_self_approval", "open_seconds", "focus_seconds", "shown_bytes"),
    *("created_at", "call__created_at"),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: what it was, and how its page was looked at; None where nobody knows."""

    answer: str
    kind: str
    is_self_approval: bool
    open_seconds: float | None
    focus_seconds: float | None
    shown_bytes: int | None


@dataclass
class Manner:
    """The answers of one person, or of all, that were given in a period; ahead of time is not among them.

    open_seconds   of each answer whose page's time is known
    wait_seconds   from the proposal to each answer
    fast           approvals on a page that was open for less than FAST_SECONDS
    timed          approvals on a page whose time is known
    focus_seconds  how long of that the page had the focus, as clients report it, where they do
    blind          approvals of which nobody knows what was shown
    """

    approvals: int = 0
    rejections: int = 0
    broken_glass: int = 0
    self_approvals: int = 0
    fast: int = 0
    timed: int = 0
    blind: int = 0
    open_seconds: list[float] = field(default_factory=list)
    focus_seconds: list[float] = field(default_factory=list)
    wait_seconds: list[float] = field(default_factory=list)

    @property
    def fast_share(self) -> float | None:
        """Which part of the timed approvals was fast, 0 to 1; None where none was timed."""
        return round(self.fast / self.timed, 4) if self.timed else None

    @property
    def open_median(self) -> float | None:
        """Seconds that half of the pages were open at most."""
        return quantile(self.open_seconds, 0.5)

    @property
    def open_p95(self) -> float | None:
        """Seconds that 95 of 100 pages were open at most."""
        return quantile(self.open_seconds, 0.95)

    @property
    def focus_median(self) -> float | None:
        """Seconds that half of the pages had the focus at most."""
        return quantile(self.focus_seconds, 0.5)

    @property
    def wait_median(self) -> float | None:
        """Seconds that half of the answers took at most."""
        return quantile(self.wait_seconds, 0.5)

    @property
    def wait_p95(self) -> float | None:
        """Seconds that 95 of 100 answers took at most."""
        return quantile(self.wait_seconds, 0.95)

    def add(self, one: Answered, waited: float) -> None:
        """Count one answer."""
        is_yes = one.answer == Decision.Answer.APPROVE
        self.approvals += is_yes
        self.rejections += not is_yes
        self.broken_glass += one.kind == Decision.Kind.BREAK_GLASS
        self.self_approvals += is_yes and one.is_self_approval
        self.blind += is_yes and one.shown_bytes is None
        self.wait_seconds.append(waited)
        self.focus_seconds += [] if one.focus_seconds is None else [one.focus_seconds]
        if one.open_seconds is not None:
            self.open_seconds.append(one.open_seconds)
            self.timed += is_yes
            self.fast += is_yes and one.open_seconds < FAST_SECONDS


def oversight(since: datetime, until: datetime) -> tuple[Manner, dict[str, Manner]]:
    """Return how all decided in a period, and how each person did, by user name."""
    rows = Decision.objects.filter(created_at__gte=since, created_at__lt=until)
    everyone, people = Manner(), dict[str, Manner]()
    for name, *facts, at, asked_at in (
        rows.exclude(kind=Decision.Kind.PREAUTHORIZATION).values_list(*_FIELDS).iterator(chunk_size=2_000)
    ):
        waited = (at - asked_at).total_seconds()
        for manner in (everyone, people.setdefault(name, Manner())):
            manner.add(Answered(*facts), waited)
    return everyone, dict(sorted(people.items()))


def quantile(values: Iterable[float], part: float) -> float | None:
    """Return the smallest value that this part of all does not exceed; None of none."""
    found = sorted(values)
    return round(found[max(0, -(-len(found) * round(part * 100) // 100) - 1)], 1) if found else None
