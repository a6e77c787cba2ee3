"""What people do until everything rests: say yes to what asks, settle what is lost, end what waits for its agent."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.faults.site import Site
from tests.faults.steps import Held
from tests.people import until

REST_SECONDS = 150  # a lease of 15, sweeps every 2, a message sent again after 10, 20 and 40, and a busy machine
STATES = """
    SELECT run.id::text, run.status, run.waiting_for, call.request_id::text, call.status, call.arguments_digest
    FROM agents_agentrun AS run LEFT JOIN agents_toolcall AS call ON call.run_id = run.id
    WHERE run.id::text = ANY(%s)"""
UNDONE = """
    SELECT 1 FROM agents_outbox AS row LEFT JOIN agents_toolcall AS call ON call.request_id = row.key
    WHERE row.task <> 'agents.notify' AND coalesce(call.run_id, row.key)::text = ANY(%s)"""
ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True)
class End:
    """How a call and its run ended; `lost` for a call that a person had to settle."""

    call: str
    run: str


def bring_to_rest(site: Site, held: Iterable[Held]) -> dict[str, End]:
    """Return how each step's call ended, once all have; the request ids that came to be are put down."""
    cells = list(held)
    for one in cells:
        _answered(one)
    settled: set[str] = set()
    until(lambda: _all_ended(site, cells, settled), REST_SECONDS, what=f"the end of {[one.goal for one in cells]}")
    states = {row[0]: row for row in _states(site, cells)}
    for one in cells:
        one.request_id = states[one.run][3]
    return {one.step: End("lost" if one.run in settled else states[one.run][4], states[one.run][1]) for one in cells}


def _answered(one: Held) -> None:
    """Wait for the answer to what somebody had asked for when the fault came."""
    answer = one.work.result(REST_SECONDS) if one.work else None
    if one.step == "ask":
        one.run = str(answer)


def _all_ended(site: Site, cells: list[Held], settled: set[str]) -> bool:
    site.look_after()
    states = _states(site, cells)
    for run, status, waiting_for, request_id, call, digest in states:
        if call == "pending":
            site.client.approve(request_id, digest)
        elif call == "lost":
            site.client.settle(request_id, "succeeded" if site.effects.counts[request_id] else "failed")
            settled.add(run)
        elif status == "waiting" and waiting_for == "external" and request_id:
            site.client.finish(run)
    if len(states) < len(cells) or not all(row[1] in ENDED for row in states):
        return False
    return not site.rows(UNDONE, [one.run for one in cells])  # people may have said yes before a preview was there


def _states(site: Site, cells: list[Held]) -> list[tuple[str, ...]]:
    return site.rows(STATES, [one.run for one in cells])
