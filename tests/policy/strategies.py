"""Random policies and calls from small pools, so that rules meet, overlap and contradict each other."""

from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from policy.proposal import Proposal, ToolShape

Values: TypeAlias = st.SearchStrategy[dict[str, Any]]

TOOLS = ("pay.send", "pay.eu.send", "files.read", "payroll")
TOOL_PATTERNS = (*TOOLS, "pay.*", "pay.eu.*", "*")
AGENTS = ("demo", "support-1", "support-2")
GROUPS = ("approver", "finance", "legal")
SCALARS = (0, 1, 5, 2.5, True, False, "a", "ab", "b")
VALUES = st.sampled_from((*SCALARS, None, [], ["a"], ["a", "b"], ["ab", None], [1, 5], [5, "a"], [True], {"a": 1}))
TESTS = (
    *({"operator": "equals", "value": value} for value in SCALARS),
    *({"operator": "in", "value": value} for value in ([1, 5], ["a", "b"], [True], [0])),
    *({"operator": "at_most", "value": value} for value in (0, 1, 2.5)),
    *({"operator": "starts_with", "value": value} for value in ("a", "ab")),
)


def some(*pool: str) -> st.SearchStrategy[list[str]]:
    """Return one or two of the pool."""
    return st.sampled_from([[one] for one in pool] + [[one, two] for one in pool for two in pool if one < two])


def mixed(always: dict[str, Any], sometimes: dict[str, Any]) -> Values:
    """Return dictionaries that have the first fields, and some of the second."""
    return st.fixed_dictionaries(always, optional=sometimes)


def merged(*parts: Values) -> Values:
    """Return dictionaries put together from one of each."""
    return st.tuples(*parts).map(lambda found: {name: value for part in found for name, value in part.items()})


ARGUMENT = st.fixed_dictionaries({"argument": st.sampled_from(["amount", "to", "flag"])})
EXTRAS = mixed(
    {},
    {
        "quantifier": st.sampled_from(["any_of", "all_of", "none_of"]),
        "if_missing": st.sampled_from(["match", "no_match"]),
    },
)
LEAF = st.one_of(
    merged(ARGUMENT, st.sampled_from(TESTS), EXTRAS),
    merged(ARGUMENT, st.sampled_from([{"operator": "is_present"}, {"operator": "is_absent"}])),
)
GROUP = st.one_of(
    st.fixed_dictionaries({"not": LEAF}),
    st.fixed_dictionaries({"all": st.lists(LEAF, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"any": st.lists(LEAF, min_size=1, max_size=2)}),
)
CONDITION = st.one_of(LEAF, LEAF, GROUP, st.fixed_dictionaries({"not": GROUP}))
REQUIREMENT = st.fixed_dictionaries({"count": st.integers(1, 3), "groups": some(*GROUPS)})
ESCALATE = st.one_of(
    st.none(), *[st.fixed_dictionaries({"after_minutes": st.integers(1, 99), "groups": some(*GROUPS, "board")})] * 4
)


def in_time(review: dict[str, Any]) -> dict[str, Any]:
    """Return a review whose escalation, if it has one, comes while the request is open."""
    later, minutes = review.get("escalate"), review.get("open_minutes")
    if not later or minutes is None:
        return review
    return review | {"open_minutes": max(minutes, later["after_minutes"] + 1)}


REVIEW = mixed(
    {"requirements": st.lists(REQUIREMENT, min_size=1, max_size=2, unique_by=lambda one: frozenset(one["groups"]))},
    {
        "preauthorization": st.booleans(),
        "open_minutes": st.integers(1, 100),
        "sign_in_minutes": st.one_of(st.none(), st.integers(1, 100)),
        "allow_self": st.booleans(),
        "reminders": st.booleans(),
        "escalate": ESCALATE,
    },
).map(in_time)
MATCH = mixed(
    {"tools": some(*TOOL_PATTERNS)},
    {
        "agents": some(*AGENTS, "support-*"),
        "environments": some("test", "live"),
        "requester_groups": some(*GROUPS),
    },
)
WHEN = st.fixed_dictionaries({"match": MATCH, "when": st.lists(CONDITION, max_size=2)})
DENY = st.just({"deny": {"message": "No."}})
ASK = st.fixed_dictionaries({"review": REVIEW})
RULE = merged(WHEN, st.one_of(ASK, ASK, ASK, DENY))
POLICY = st.lists(RULE, max_size=6).map(
    lambda rules: [{"name": f"rule-{position}", **rule} for position, rule in enumerate(rules)]
)
ARGUMENTS = mixed({}, {"amount": VALUES, "to": VALUES, "flag": VALUES})
PROPOSAL = st.builds(
    Proposal,
    request_id=st.just(UUID(int=1)),
    agent=st.sampled_from(AGENTS),
    environment=st.sampled_from(["test", "live"]),
    requester=st.just("ada"),
    requester_groups=st.sampled_from([frozenset(), frozenset({"finance"}), frozenset({"finance", "legal"})]),
    shape=st.builds(ToolShape, st.sampled_from(TOOLS), ARGUMENTS),
    arguments=ARGUMENTS,
)
