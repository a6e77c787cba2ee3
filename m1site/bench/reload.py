"""How soon a changed policy judges, from a published version's canonical text and digest, as a query returns them."""

import gc
import time

from m1site.bench import documents
from m1site.bench.making import make
from m1site.bench.timing import percentile
from m1site.bench.workload import Call, Workload
from policy import versions
from policy.compiled.policy import CompiledPolicy
from policy.documents import canonical, digest, from_value
from policy.proposal import ToolShape


def main(size: str, shape: str) -> dict[str, float]:
    """Return `live_ms` until the rules can be asked, and `first_p50_us`, `first_p99_us` of each tool's first call."""
    work = make(int(size), shape)
    (text, name), calls = _published(work), {call.tool: call for call in work.calls}
    del work
    gc.collect()  # what it took to prepare is no part of a worker's heap
    began = time.perf_counter()
    policy = versions.compile_canonical(text, name)
    live = time.perf_counter() - began
    times = sorted(_first(policy, call) for call in calls.values())
    firsts = {f"first_p{share}_us": round(percentile(times, share / 100) / 1000, 1) for share in (50, 99)}
    return {"live_ms": round(live * 1000, 2), **firsts}


def _published(work: Workload) -> tuple[str, str]:
    document = from_value(documents.document(work))
    return canonical(document).decode(), digest(document)


def _first(policy: CompiledPolicy, call: Call) -> int:
    of_tool = ToolShape.of(call.tool, documents.SCHEMA)
    began = time.perf_counter_ns()
    policy.decide(of_tool, call.agent, call.environment, call.groups, call.arguments)
    return time.perf_counter_ns() - began
