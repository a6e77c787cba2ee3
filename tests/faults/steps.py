"""Bring a call to a step, and hold M1 there: in the middle of the transaction, the effect or the publishing."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.faults.gates import Gate
from tests.faults.site import WAIT_SECONDS, Site
from tests.killing import is_alive
from tests.people import until

_numbers = count(1)


@dataclass
class Held:
    """A call, or what is to become one, in the middle of a step.

    run, request_id, digest   "" while there is none
    process    the process that is at the step; None: not known
    work       the request that somebody makes, where the step is part of one
    """

    step: str
    goal: str
    run: str = ""
    request_id: str = ""
    digest: str = ""
    process: int | None = None
    gate: Gate | None = None
    work: "Future[Any] | None" = None

    def wait_at(self, gate: Gate) -> "Held":
        """Return itself once somebody waits at the gate."""
        self.gate = gate
        self.process = until(gate.waiting, WAIT_SECONDS, what=f"somebody comes to {self.step}")
        return self


def ask(site: Site, held: Held) -> None:
    """The web process has stored a goal and is at its COMMIT."""
    gate = Gate(site.database_url, "ask", held.goal).__enter__()
    held.work = site.threads.submit(site.client.run, held.goal, "counter")
    held.wait_at(gate)


def propose(site: Site, held: Held) -> None:
    """A planner has stored a turn with its call and verdict and is at its COMMIT."""
    gate = Gate(site.database_url, "propose", held.goal).__enter__()
    held.run = site.client.run(held.goal, "counter")
    held.wait_at(gate)


def offer(site: Site, held: Held) -> None:
    """The web process has stored a call that an agent of someone's own proposes and is at its COMMIT."""
    gate = Gate(site.database_url, "propose", held.goal).__enter__()
    held.run = site.client.run(held.goal, "external")
    held.work = site.threads.submit(site.client.offer, held.run, "effects.count", note="one effect")
    held.wait_at(gate)


def decide(site: Site, held: Held) -> None:
    """The web process has stored the last vote and the token and is at its COMMIT."""
    gate = Gate(site.database_url, "decide", held.goal).__enter__()
    held.work = site.threads.submit(site.client.approve, held.request_id, held.digest)
    held.wait_at(gate)


def effect(site: Site, held: Held) -> None:
    """The tool has acted, and has no answer yet."""
    site.effects.hold(held.request_id)
    site.client.approve(held.request_id, held.digest)
    until(lambda: site.effects.counts[held.request_id], WAIT_SECONDS, what="the tool has acted")
    ((worker,),) = site.rows("SELECT claimed_by FROM agents_execution WHERE call_id = %s", held.request_id)
    held.process = int(worker.split(":")[1])


def publish(site: Site, held: Held) -> None:
    """The approval is committed, and the broker does not take its message: it keeps silent."""
    site.freeze_redis()
    held.work = site.threads.submit(site.client.approve, held.request_id, held.digest)
    decided = "SELECT 1 FROM agents_toolcall WHERE request_id = %s AND status = 'approved'"
    until(lambda: site.rows(decided, held.request_id), WAIT_SECONDS, what="the approval is committed")


def after_yes(site: Site, held: Held) -> None:
    """Whoever works on the approved call is at the COMMIT of the step."""
    gate = Gate(site.database_url, held.step, held.goal).__enter__()
    site.client.approve(held.request_id, held.digest)
    held.wait_at(gate)


STEPS: dict[str, Callable[[Site, Held], None]] = {
    "ask": ask,
    "propose": propose,
    "offer": offer,
    "decide": decide,
    "dispatch": after_yes,
    "claim": after_yes,
    "result": after_yes,
    "continue": after_yes,
    "effect": effect,
    "publish": publish,
}
UNASKED = ("ask", "propose", "offer")
LAST = ("effect", "publish")  # a tool waits for ten seconds only, and without the broker nobody comes anywhere


def hold(site: Site, steps: Sequence[str]) -> list[Held]:
    """Bring one call to each step, at once where that can be, and return them all."""
    site.look_after()
    held = [Held(step, f"{step} {next(_numbers)}") for step in steps]
    _at_once(site, be_asked, [one for one in held if one.step not in UNASKED])  # a proposal at its COMMIT stops others
    _at_once(site, _bring, [one for one in held if one.step not in LAST])
    for one in sorted((one for one in held if one.step in LAST), key=lambda one: LAST.index(one.step)):
        _bring(site, one)
    return held


def be_asked(site: Site, held: Held) -> None:
    """Start a run, and wait until its call is before people."""
    held.run = site.client.run(held.goal, "counter")
    held.request_id, held.digest = site.pending(held.run)


def _bring(site: Site, held: Held) -> None:
    STEPS[held.step](site, held)


def _at_once(site: Site, act: Callable[[Site, Held], None], held: Sequence[Held]) -> None:
    futures = [site.threads.submit(act, site, one) for one in held]
    until(lambda: all(future.done() for future in futures), 2 * WAIT_SECONDS, what="all are held")
    for future in futures:
        future.result()


def let_go(site: Site, held: Sequence[Held], *, undo: bool = False) -> None:
    """Open every gate, let every tool go on, and have the broker speak.

    undo   what a killed process had not committed is gone; else its COMMIT had been sent, and goes through
    """
    for one in held:
        if one.gate and undo and one.process and not is_alive(one.process):
            one.gate.turn_away()
        if one.gate:
            one.gate.open()
    site.effects.release()
    site.freeze_redis(thaw=True)
