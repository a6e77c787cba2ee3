"""Rules by what they have in common with every rule that they could cover, so that few of them are compared."""

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeAlias

from policy.conditions import leaves
from policy.errors import UnjudgedError
from policy.leaves import Leaf
from policy.lint.facts import Fact, scalars
from policy.lint.texts import whole_segments
from policy.operators import places
from policy.operators.kinds import comparable
from policy.rules import Rule

Key: TypeAlias = tuple[str, str, Hashable]
ANY = ""
HOSTS = ("url_host_in", "email_domain_in")
MAX_BEGINNING = 100  # characters of a text under whose beginnings broader rules are looked up


class Index:
    """Rules on shelves: by tool pattern, by agent pattern, and by a value, directory or host of one condition."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._shelves: dict[Key, list[Rule]] = {}
        for rule in sorted(rules, key=weight):
            for key in _keys(rule):
                self._shelves.setdefault(key, []).append(rule)

    def broader(self, rule: Rule) -> Iterator[Rule]:
        """Yield rules that could cover a rule, on each shelf those with the fewest conditions first."""
        agents = (ANY, *_patterns(rule.match.agents[0])) if rule.match.agents else (ANY,)
        marks = (ANY, *(mark for leaf in _plain(rule) for mark in _sought(leaf)))
        for tool in _patterns(rule.match.tools[0], separator="."):
            for agent in agents:
                for mark in marks:
                    yield from (other for other in self._shelves.get((tool, agent, mark), ()) if other is not rule)


def weight(rule: Rule) -> int:
    """Return how much there is to compare in a rule."""
    return 1 + sum(1 for _ in leaves(rule.when))


def _keys(rule: Rule) -> Iterator[Key]:
    marks = next(filter(None, map(_marks, _plain(rule))), [ANY])
    for tool in rule.match.tools:
        for agent in rule.match.agents or (ANY,):
            yield from ((tool, agent, mark) for mark in marks)


def _plain(rule: Rule) -> Iterator[Leaf]:
    """Yield the conditions that must hold by themselves, of a value or of items that there are."""
    return (part for part in rule.when.parts if isinstance(part, Leaf) and part.quantifier != "none_of")


def _marks(leaf: Leaf) -> list[Hashable]:
    """Return marks of which every narrower condition has one; none where the operator leaves no mark."""
    if Fact(leaf, True).names_values:
        return [(leaf.path, comparable(value)) for value in scalars(leaf)]
    if leaf.operator in HOSTS:
        return [(leaf.path, leaf.operator, name) for name in scalars(leaf)]
    if leaf.operator == "path_inside":
        return [(leaf.path, leaf.operator, places.segments(str(leaf.value))[1])]
    return [(leaf.path, leaf.operator, leaf.value)] if leaf.operator == "starts_with" else []


def _sought(leaf: Leaf) -> Iterator[Hashable]:
    """Yield the marks that a broader condition on the same argument can have."""
    first = next(iter(scalars(leaf)), None)
    names = Fact(leaf, True).names_values
    if names and first is not None:
        yield leaf.path, comparable(first)
    if leaf.operator in HOSTS:
        yield leaf.path, leaf.operator, first
    if isinstance(first, str) and (names or leaf.operator in ("starts_with", "path_inside")):
        directories = _directories(first) if leaf.operator != "starts_with" else whole_segments(first)
        yield from ((leaf.path, "path_inside", directories[:end]) for end in range(1, len(directories) + 1))
        yield from ((leaf.path, "starts_with", first[:end]) for end in range(1, min(len(first), MAX_BEGINNING) + 1))


def _directories(path: str) -> tuple[str, ...]:
    try:
        return places.segments(path)[1]
    except UnjudgedError:
        return ()


def _patterns(name: str, separator: str = ANY) -> Iterator[str]:
    """Yield a name and the patterns with a star at the end that it fits."""
    yield name
    stem = name.removesuffix("*")
    ends = [at for at in range(len(stem) + 1) if not separator or at == 0 or stem[at - 1] == separator]
    yield from (pattern for end in ends if (pattern := f"{stem[:end]}*") != name)
