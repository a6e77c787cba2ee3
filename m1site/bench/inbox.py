"""The figures of `m1 bench inbox`: how long a page takes to answer while thousands of calls wait for people."""

from collections.abc import Callable, Iterator, Sequence

from m1site.bench.cells import child
from m1site.bench.figures import Figure

KINDS = {
    "alike": "every call of an agent asks for exactly the same",
    "different": "no two calls ask for the same",
}
MARK_MS = 50.0


def figures(kinds: Sequence[str], count: int, rounds: int, tell: Callable[[str], None]) -> Iterator[Figure]:
    """Yield median and 95th percentile of each page for each person; the mark is for the median."""
    for kind in kinds:
        tell(f"{count:,} calls wait, {KINDS[kind]}; as many have ended")
        for name, found in child("inbox_pages", kind, str(count), str(rounds)).items():
            yield Figure(f"{kind}.{count}.{name}.p50", found["p50"], "ms", MARK_MS)
            for share in ("p95", "cpu_p50"):
                yield Figure(f"{kind}.{count}.{name}.{share}", found[share], "ms")
