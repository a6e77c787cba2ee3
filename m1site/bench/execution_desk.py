"""Calls for `m1 bench execution`: proposed, approved and watched by M1's own functions."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import Group

from agents import proposals, runs, tool_calls
from agents.approval.seen import Seen
from agents.models import Agent, Decision, Execution, ToolCall
from agents.proposals import ExternalCall
from audit import clock
from m1site.accounts.models import User
from policy import allowlist, versions
from policy.models import Tool

TOOLS = ["m1site.bench.nothing.tool"]
PER_RUN, RUNS_PER_AGENT, MAX_PENDING = 4, 200, 1_000
WAIT_SECONDS, LOOK_SECONDS = 60, 0.005
POLICY = """
format: 1
rules:
  - name: nothing
    match:
      tools: [bench.nothing]
    review:
      requirements:
        - {count: 1, groups: [approver]}
"""


class SilentWorkerError(Exception):
    """Nobody has run a call in time."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, who approves, and for which agents' calls."""

    riley: User
    ava: User
    account: User

    @classmethod
    def opened(cls) -> "Desk":
        """Fill empty tables with people, the tool and a policy that asks one person."""
        people = {name: User.objects.create_user(name) for name in ("riley", "ava", "sam", "account")}
        people["ava"].groups.set([Group.objects.get_or_create(name="approver")[0]])
        for version in allowlist.sync(TOOLS):
            allowlist.enable(version.pk, actor="system:cli")
        versions.publish(POLICY, author=people["sam"], publisher=people["ava"], override="It is for a benchmark.")
        return cls(people["riley"], people["ava"], people["account"])

    def propose(self, count: int) -> list[ToolCall]:
        """Return that many pending calls, of runs of four, in no order: neighbours belong to different runs."""
        found: list[ToolCall] = []
        while len(found) < count:
            found += self._of_a_new_agent(min(count - len(found), PER_RUN * RUNS_PER_AGENT))
        random.Random(count).shuffle(found)
        return found

    def approve(self, call: ToolCall) -> None:
        """Say yes, as ava does."""
        seen = Seen(call.arguments_digest, call.round, Decision.Surface.API)
        tool_calls.approve(call.pk, actor=self.ava, seen=seen)

    def _of_a_new_agent(self, count: int) -> Iterator[ToolCall]:
        agent = Agent.objects.create(
            name=f"bench-{time.monotonic_ns()}", owner=self.riley, service_account=self.account, planner="external",
            environment="bench", max_pending=MAX_PENDING, created_at=clock.now(),
        )  # fmt: skip
        agent.tools.set(Tool.objects.all())
        for start in range(0, count, PER_RUN):
            run = runs.create(agent=agent, requester=self.riley, goal="Do nothing")
            asked = [
                ExternalCall("bench.nothing", b'{"number":%d}' % number, "It is measured.")
                for number in range(start, min(count, start + PER_RUN))
            ]
            proposals.propose_external(run.pk, calls=asked)
            yield from ToolCall.objects.filter(run=run, status="pending")


def output(request_id: UUID) -> str:
    """Wait for the call's end and return what the tool said. Raises SilentWorkerError."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if found := Execution.objects.filter(pk=request_id, finished_at__isnull=False).first():
            return found.output
        time.sleep(LOOK_SECONDS)
    raise SilentWorkerError(f"nobody has run {request_id} in {WAIT_SECONDS} seconds")
