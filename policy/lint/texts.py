"""Whether a text can begin, end, lie and be addressed as conditions ask, all at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from policy.errors import UnjudgedError
from policy.leaves import Leaf
from policy.lint.facts import Fact
from policy.operators import places

Sorted: TypeAlias = Mapping[tuple[str, bool | None], Sequence[Leaf]]
Place: TypeAlias = tuple[bool, tuple[str, ...]]
AFFIXES = ("starts_with", "ends_with", "contains")
WORDS = frozenset((*AFFIXES, "path_inside", "url_host_in", "email_domain_in"))


def sort(facts: Iterable[Fact]) -> Sorted:
    """Return the leaves about parts and places by operator and answer: None, where they were only judged."""
    found: dict[tuple[str, bool | None], list[Leaf]] = {}
    for fact in facts:
        if fact.leaf.operator in WORDS:
            found.setdefault((fact.leaf.operator, fact.held), []).append(fact.leaf)
    return found


def longest_part(said: Sorted) -> int:
    """Return the characters that a text has at least, since it holds parts that long."""
    return max((len(part) for part in _parts(said)), default=0)


def contradict(said: Sorted) -> bool:
    """Return whether no text has all these beginnings, ends, parts, directories, hosts and domains."""
    operators = {operator for operator, _ in said}
    return any(theory(said) for words, theory in THEORIES if not operators.isdisjoint(words))


def whole_segments(start: str) -> tuple[str, ...]:
    """Return the segments that a text's beginning settles, up to its last slash; none where it is no plain path."""
    try:
        return places.segments(start[: start.rfind("/") + 1])[1]
    except UnjudgedError:
        return ()


def _affixes(said: Sorted) -> bool:
    starts, ends = _texts(said, "starts_with", True), _texts(said, "ends_with", True)
    return (
        _differ(starts)
        or _differ([end[::-1] for end in ends])
        or any(start.startswith(no) for no in _texts(said, "starts_with", False) for start in starts)
        or any(end.endswith(no) for no in _texts(said, "ends_with", False) for end in ends)
        or any(no in part for no in _texts(said, "contains", False) for part in _parts(said))
    )


def _differ(beginnings: list[str]) -> bool:
    longest = max(beginnings, key=len, default="")
    return not all(longest.startswith(beginning) for beginning in beginnings)


def _directories(said: Sorted) -> bool:
    """Return whether no plain path lies in, and begins, where it must."""
    inside, outside, judged = (_places(said, held) for held in (True, False, None))
    starts = _texts(said, "starts_with", True)
    if not (inside or outside or judged):
        return False
    if any("\\" in start or start.startswith("~") for start in starts):
        return True  # no such path is ever judged
    if len({absolute for absolute, _ in inside + outside + judged} | {start[:1] == "/" for start in starts}) > 1:
        return True
    known = [parts for _, parts in inside] + [whole_segments(start) for start in starts]
    deepest = max(known, key=len, default=())
    return (
        any(deepest[: len(parts)] != parts for parts in known)
        or any(deepest[: len(parts)] == parts for _, parts in outside)
        or any(_leads_elsewhere(start, parts) for start in starts for _, parts in inside)
    )


def _leads_elsewhere(start: str, directory: tuple[str, ...]) -> bool:
    """Return whether the segment that a beginning leaves unfinished is not the directory's."""
    depth, unfinished = len(whole_segments(start)), start[start.rfind("/") + 1 :]
    return unfinished != "." and depth < len(directory) and not directory[depth].startswith(unfinished)


def _hosts(said: Sorted) -> bool:
    known = _left(said, "url_host_in")
    return known is not None and not known


def _mailboxes(said: Sorted) -> bool:
    """Return whether no address is at such a domain; it has one @, so that an end with it gives the domain whole."""
    known, ends = _left(said, "email_domain_in"), _texts(said, "ends_with", True)
    domains = {end.rpartition("@")[2].lower() for end in ends if "@" in end}
    if known is not None:
        return not any(domains <= {name} and all(f"@{name}".endswith(_tail(end)) for end in ends) for name in known)
    ruled_out = set[str]().union(*_names(said, "email_domain_in", False))
    return not domains.isdisjoint(ruled_out)


def _tail(end: str) -> str:
    return end[max(0, end.rfind("@")) :].lower()


def _left(said: Sorted, operator: str) -> set[str] | None:
    """Return the names that are left by lists that held and lists that did not; None where every other name is."""
    held, ruled_out = _names(said, operator, True), _names(said, operator, False)
    return set.intersection(*held).difference(*ruled_out) if held else None


def _names(said: Sorted, operator: str, held: bool) -> list[set[str]]:
    lists = (leaf.value for leaf in said.get((operator, held), ()))
    return [{str(name) for name in names} for names in lists if isinstance(names, tuple)]


def _parts(said: Sorted) -> list[str]:
    return [part for word in AFFIXES for part in _texts(said, word, True)]


def _texts(said: Sorted, operator: str, held: bool) -> list[str]:
    return [str(leaf.value) for leaf in said.get((operator, held), ())]


def _places(said: Sorted, held: bool | None) -> list[Place]:
    return [places.segments(str(leaf.value)) for leaf in said.get(("path_inside", held), ())]


THEORIES = (
    (AFFIXES, _affixes),
    ({"path_inside"}, _directories),
    ({"url_host_in"}, _hosts),
    ({"email_domain_in"}, _mailboxes),
)
