"""Whom rules are for: the agent, the environment and the requester's groups, each remembered as a mask."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from policy.compiled.bits import Bits
from policy.rules import Match, fits

Names: TypeAlias = tuple[str, ...]
MAX_REMEMBERED = 10_000


class Audience:
    """The masks of the rows whose rules are for an agent, an environment, a set of groups.

    matches   for each row what its rule matches
    """

    __slots__ = ("_agents", "_bits", "_environments", "_groups", "agents", "environments", "groups")

    def __init__(self, matches: Sequence[Match], bits: Bits) -> None:
        self._bits = bits
        self._agents = _rows_by([match.agents for match in matches])
        self._environments = _rows_by([match.environments for match in matches])
        self._groups = _rows_by([match.requester_groups for match in matches])
        self.agents: dict[str, int] = {}
        self.environments: dict[str, int] = {}
        self.groups: dict[frozenset[str], int] = {}

    def learn(self, agent: str, environment: str, groups: frozenset[str]) -> int:
        """Return the rows that are for all three, and remember."""
        by_agent = self._remembered(self.agents, agent, self._agents, _is_agent)
        by_environment = self._remembered(self.environments, environment, self._environments, _is_environment)
        return by_agent & by_environment & self._remembered(self.groups, groups, self._groups, _are_groups)

    def _remembered(
        self, memory: dict[Any, int], key: Any, rows: Mapping[Names, int], is_meant: Callable[[Any, Names], bool]
    ) -> int:
        if key not in memory:
            if len(memory) >= MAX_REMEMBERED:  # what agents and groups are called is not ours to bound
                memory.clear()
            meant = 0
            for names, found in rows.items():
                meant |= found if not names or is_meant(key, names) else 0
            memory[key] = self._bits.both(meant)
        return memory[key]


def _rows_by(named: Sequence[Names]) -> dict[Names, int]:
    found: dict[Names, int] = {}
    for at, names in enumerate(named):
        found[names] = found.get(names, 0) | 1 << at
    return found


def _is_agent(agent: str, patterns: Names) -> bool:
    return any(fits(agent, pattern) for pattern in patterns)


def _is_environment(environment: str, names: Names) -> bool:
    return environment in names


def _are_groups(groups: frozenset[str], names: Names) -> bool:
    return not groups.isdisjoint(names)
