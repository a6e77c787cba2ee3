"""The rules that look at one tool, as bits: whom they are for, and a column for each argument that they speak of."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from audit.canonical import JSON
from policy.arguments import MISSING, look_up
from policy.compiled.audience import Audience
from policy.compiled.bits import Bits, Entry
from policy.compiled.column import Column, build
from policy.compiled.decision import Decision
from policy.compiled.rows import Row, rows
from policy.conditions import Error, Held, answer
from policy.errors import CostError, UnjudgedError
from policy.leaves import MAX_STEPS, Facts
from policy.proposal import ToolShape
from policy.rules import Deny, Rule
from policy.verdict import Outcome

DENIED, NEEDS_APPROVAL = Outcome.DENIED, Outcome.NEEDS_APPROVAL
WHOLE: tuple[Row, ...] = ((),)
"""The one row of a rule whose condition has too many: it is judged by itself."""


class Table:
    """All rules for one tool, judged together. Denying rules have the lower bits, each kind in the order of names."""

    __slots__ = (
        "_agents", "_audience", "_environments", "_groups", "_low", "_nested", "_owners", "_top", "_whole", "bits",
        "denying", "rules", "shape",
    )  # fmt: skip

    def __init__(self, shape: ToolShape, candidates: Iterable[Rule]) -> None:
        self.shape = shape
        self.rules = sorted(candidates, key=lambda rule: (not isinstance(rule.effect, Deny), rule.name))
        split = [rows(rule.when) for rule in self.rules]
        self._owners = [rule for rule, found in zip(self.rules, split, strict=True) for _ in found or WHOLE]
        self.bits = Bits(len(self._owners))
        self._low = (1 << self.bits.count) - 1
        self.denying = sum(1 << at for at, rule in enumerate(self._owners) if isinstance(rule.effect, Deny))
        too_many = {id(rule) for rule, found in zip(self.rules, split, strict=True) if found is None}
        self._whole = [(1 << at, rule) for at, rule in enumerate(self._owners) if id(rule) in too_many]
        self._audience = Audience([rule.match for rule in self._owners], self.bits)
        self._agents, self._environments = self._audience.agents, self._audience.environments
        self._groups = self._audience.groups
        columns = _columns(list(chain.from_iterable(found or WHOLE for found in split)), shape, self.bits)
        self._top = [
            (one.path[0], one.default, one.usual, *one.lanes[one.usual], one.lanes)
            for one in columns
            if len(one.path) == 1
        ]
        self._nested = [one for one in columns if len(one.path) > 1]

    def decide(self, agent: str, environment: str, groups: frozenset[str], arguments: Mapping[str, JSON]) -> Decision:
        """Return what the rules say of a call; raises CostError."""
        try:
            alive = self._agents[agent] & self._environments[environment] & self._groups[groups]
        except KeyError:
            alive = self._audience.learn(agent, environment, groups)
        covered = alive
        get = arguments.get
        for name, default, usual, watch, judge, lanes in self._top:
            value = get(name, default)
            if value.__class__ is not usual:
                watch, judge = lanes[value.__class__]
            if alive & watch:
                alive = judge(value, alive)
        if self._nested or self._whole:
            alive = self._rest(alive, arguments)
        low = self._low
        hits = alive & low
        if (covered ^ alive) > low:  # a high bit went out
            return self._denied(hits, (covered ^ alive) >> self.bits.count)
        return Decision((DENIED if not hits or hits & self.denying else NEEDS_APPROVAL, self, hits, 0))

    def named(self, found: int) -> list[Rule]:
        """Return the rules that the rows are of, each once."""
        rules: list[Rule] = []
        while found:
            lowest = found & -found
            rule = self._owners[lowest.bit_length() - 1]
            if not rules or rules[-1] is not rule:
                rules.append(rule)
            found ^= lowest
        return rules

    def _denied(self, hits: int, failures: int) -> Decision:
        """Take the rows of rules that cannot be judged out of those that match: such a rule has no answer."""
        broken = {id(rule) for rule in self.named(failures)}
        for at, rule in enumerate(self._owners):
            if id(rule) in broken:
                hits &= ~(1 << at)
        return Decision((DENIED, self, hits, failures))

    def _rest(self, alive: int, arguments: Mapping[str, JSON]) -> int:
        """Judge what is not at the top of the arguments, and the rules that are judged by themselves."""
        for column in self._nested:
            try:
                seen = look_up(column.path, arguments, self.shape.defaults)
            except UnjudgedError:
                alive &= column.unjudged
                continue
            value = None if seen is MISSING else seen
            alive = column.lanes[value.__class__].run(value, alive)
        facts = Facts(arguments, self.shape.defaults, self.shape.sensitive)
        for row, rule in self._whole:
            if alive & row:
                alive &= self._judged_whole(rule, row, facts)
        return alive

    def _judged_whole(self, rule: Rule, row: int, facts: Facts) -> int:
        said = answer(rule.when, facts)
        if isinstance(said, Error):
            if said.code == CostError.code:
                raise CostError(ceiling=MAX_STEPS)
            return self.bits.unjudged(row)
        return self.bits.all if isinstance(said, Held) else self.bits.without(row)


def _columns(split: Sequence[Row], shape: ToolShape, bits: Bits) -> list[Column]:
    by_path: dict[tuple[str, ...], dict[object, Entry]] = {}
    for at, row in enumerate(split):
        for leaf, is_negated in row:
            entries = by_path.setdefault(leaf.path, {})
            key = (leaf.sign, is_negated)
            earlier = entries.get(key)
            entries[key] = Entry(leaf, is_negated, (earlier.rows if earlier else 0) | 1 << at)
    return [
        build(path, shape.defaults.get(path[0]) if len(path) == 1 else None, list(entries.values()), bits)
        for path, entries in by_path.items()
    ]
