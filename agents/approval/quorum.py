"""Whether those who said yes satisfy all requirements at once. Pure."""

from collections.abc import Collection, Mapping, Sequence

from policy.verdict import Requirement


def is_met(requirements: Sequence[Requirement], voters: Mapping[object, Collection[str]]) -> bool:
    """Return whether each requirement gets as many different people as it asks for, each person counted once.

    voters   the groups of each person who approved
    Maximum bipartite matching between places and people, by augmenting paths (Kuhn).
    """
    return missing(requirements, voters) == 0


def missing(requirements: Sequence[Requirement], voters: Mapping[object, Collection[str]]) -> int:
    """Return how many more people are needed, at least."""
    places = [requirement.groups for requirement in requirements for _ in range(requirement.count)]
    taken: dict[object, int] = {}

    def seat(place: int, tried: set[object]) -> bool:
        for person, groups in voters.items():
            if person in tried or places[place].isdisjoint(groups):
                continue
            tried.add(person)
            if person not in taken or seat(taken[person], tried):
                taken[person] = place
                return True
        return False

    return sum(not seat(place, set()) for place in range(len(places)))
