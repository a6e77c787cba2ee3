"""The key of tokens is changed while people approve and workers claim: no request is lost, and the old key is dead."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from agents import keys_in_use
from agents.models import Agent, Execution, ToolCall
from audit import clock
from audit.models import AuditEvent
from m1site.key_files import LIST, SIGNING, KeyDirectory, RotationError
from m1site.rotation import begin, retire, switch
from policy import key_list
from policy.keys import KeyRing
from policy.models import ApprovalToken
from tests.agents import steps
from tests.agents.steps import approve, claim, token_of
from tests.world import World

pytestmark = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
]
ACTOR = "system:cli"
A_PHASE = max(4, int(os.environ.get("M1_RACE_ROUNDS", "200")) // 40)  # claims in each phase


class Rings:
    """What `settings.M1_KEYS` is to each thread: the ring with which the process that it plays was started."""

    def __init__(self, ring: KeyRing) -> None:
        self.web = self.executor = ring
        self.mine = threading.local()

    def __getattr__(self, name: str) -> Any:
        role: KeyRing = getattr(self, getattr(self.mine, "role", "web"))
        return getattr(role, name)


class Line:
    """Approvers and workers as threads, each taking what the one before has put down."""

    def __init__(self, rings: Rings) -> None:
        self.rings = rings
        self.pending: SimpleQueue[ToolCall | None] = SimpleQueue()
        self.approved: SimpleQueue[ToolCall | None] = SimpleQueue()
        self.claimed: SimpleQueue[tuple[ToolCall, bool]] = SimpleQueue()
        self.broken: list[BaseException] = []
        self.threads: dict[str, list[threading.Thread]] = {"web": [], "executor": []}

    def start(self, role: str, work: Callable[[], None]) -> None:
        """Begin a thread of a role."""

        def live() -> None:
            self.rings.mine.role = role
            try:
                work()
            except BaseException as exc:  # the test shows it
                self.broken.append(exc)
            finally:
                connection.close()

        thread = threading.Thread(target=live, daemon=True)
        self.threads[role].append(thread)
        thread.start()

    def approve(self, person: Any) -> None:
        """Say yes to call after call."""
        while (call := self.pending.get()) is not None:
            self.approved.put(approve(call, person))

    def claim(self) -> None:
        """Take call after call."""
        while (call := self.approved.get()) is not None:
            self.claimed.put((call, claim(call) is not None))

    def lost(self, count: int) -> int:
        """Wait until so many more were claimed; return how many of them did not run."""
        return sum(not has_run for _, has_run in (self.claimed.get(timeout=60) for _ in range(count)))

    def finish(self) -> int:
        """Let everybody do what lies before them and go; return how many calls did not run, of those not asked for."""
        for role, queue in (("web", self.pending), ("executor", self.approved)):
            for _ in self.threads[role]:
                queue.put(None)
            for thread in self.threads[role]:
                thread.join(timeout=60)
        return self.lost(self.claimed.qsize())


def executor_of(directory: KeyDirectory) -> KeyRing:
    """Return the ring of a process that starts now and only verifies."""
    return key_list.parse((directory.path / LIST).read_text())


def web_of(directory: KeyDirectory) -> KeyRing:
    """Return the ring of the process that signs."""
    return executor_of(directory).with_private_key((directory.path / SIGNING).read_text())


@pytest.fixture
def directory(tmp_path: Path) -> KeyDirectory:
    (tmp_path / "keys").mkdir()
    kept = KeyDirectory(tmp_path / "keys")
    begin(kept, actor=ACTOR, is_first=True)
    return kept


def proposed(world: World, count: int) -> list[ToolCall]:
    """Return calls that wait for people, each in a run of its own so that no two wait for one lock."""
    return [steps.ask(world) for _ in range(count)]


def test_rotation_under_load_loses_nothing_and_a_retired_key_is_refused(
    world: World, settings: Settings, directory: KeyDirectory
) -> None:
    settings.M1_KEYS = rings = Rings(web_of(directory))
    rings.executor = executor_of(directory)
    steps.external_agent(world)
    Agent.objects.update(max_pending=1_000)
    left_behind = steps.approved(world)  # of the old key, and never claimed
    old = token_of(left_behind).kid
    line, lost, calls = Line(rings), 0, proposed(world, 4 * A_PHASE)
    for person in (world.ava, world.sam):
        line.start("web", lambda person=person: line.approve(person))
        line.start("executor", line.claim)

    def go_on() -> int:
        for _ in range(A_PHASE):
            line.pending.put(calls.pop())
        return line.lost(A_PHASE // 2)  # the others are still on their way when the next step is made

    lost += go_on()
    begin(directory, actor=ACTOR)
    rings.executor = executor_of(directory)
    rings.web = web_of(directory)
    lost += go_on()
    switch(directory, actor=ACTOR)
    rings.web = web_of(directory)
    lost += go_on()
    with pytest.raises(RotationError, match=str(token_of(left_behind).jti)):
        retire(directory, actor=ACTOR)
    while keys_in_use.live_tokens(old, clock.now()).count() > 1:
        lost += line.lost(1)
    retire(directory, actor=ACTOR, is_forced=True)
    rings.executor, rings.web = executor_of(directory), web_of(directory)
    lost += go_on() + line.finish()
    assert (line.broken, lost) == ([], 0)
    assert Execution.objects.count() == 4 * A_PHASE
    assert ApprovalToken.objects.values("kid").distinct().count() == 2
    assert not AuditEvent.objects.filter(action="attack.refused").exists()
    assert_dead(left_behind, world)


def assert_dead(call: ToolCall, world: World) -> None:
    """The token of the retired key runs nothing, and is no attack either; one click gives the call a new one."""
    assert claim(call) is None
    call.refresh_from_db()
    assert (call.status, call.round) == ("pending", 2)
    assert "its key was retired at" in call.note
    assert not Execution.objects.filter(pk=call.pk).exists()
    assert approve(call, world.ava).status == "approved"
    assert claim(call) is not None


def test_what_lives_is_what_could_still_run(world: World, settings: Settings, directory: KeyDirectory) -> None:
    settings.M1_KEYS = web_of(directory)
    kid = settings.M1_KEYS.signing.kid
    steps.external_agent(world)
    ahead = world.preauthorize(max_uses=1)
    waiting, used = steps.approved(world), steps.approved(world)
    assert claim(used) is not None

    def live() -> set[object]:
        return set(keys_in_use.live_tokens(kid, clock.now()).values_list("jti", flat=True))

    assert live() == {ahead.jti, token_of(waiting).jti}
    ApprovalToken.objects.filter(jti=ahead.jti).update(uses=1)
    assert live() == {token_of(waiting).jti}
    ahead.used_by.create(request_id=waiting.pk, round=1, created_at=clock.now())
    assert live() == {ahead.jti, token_of(waiting).jti}  # used up, but a call that it approved is still to be claimed
