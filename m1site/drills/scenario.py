"""A drill: calls of staged runs, and what is wrong about the deceptive ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Tool:
    """What the author of a tool declared; `state` is enabled, or disabled where another version took its place."""

    name: str
    headline: str
    risk: str
    read_only: bool
    external: bool
    reversible_with: str | None
    state: str


@dataclass(frozen=True)
class Run:
    """Who wants what, and where."""

    agent: str
    requester: str
    environment: str
    goal: str


@dataclass(frozen=True)
class Trick:
    """What is wrong about a deceptive call, and where it could be seen."""

    name: str
    what: str
    seen: str


@dataclass(frozen=True)
class Case:
    """One call of the drill.

    vote         who has approved it already; "" for nobody
    trick        None for an honest one
    fine         why an honest one may be approved
    not_before   it comes after so many others at least
    """

    id: str
    tool: Tool
    run: Run
    arguments: Mapping[str, Any]
    reason: str
    said: str
    rule: str
    preview: str
    vote: str
    needed: int
    was_rejected: bool
    trick: Trick | None
    fine: str
    not_before: int


@dataclass(frozen=True)
class Scenario:
    """A drill."""

    name: str
    title: str
    about: str
    cases: tuple[Case, ...]

    def in_order(self, seed: int) -> list[Case]:
        """Return the calls in the order that belongs to the seed."""
        drawn = Random(seed)  # noqa: S311 - an order, no secret
        found = [case for case in self.cases if not case.not_before]
        drawn.shuffle(found)
        for case in sorted((case for case in self.cases if case.not_before), key=lambda case: case.not_before):
            found.insert(drawn.randint(min(case.not_before, len(found)), len(found)), case)
        return found
