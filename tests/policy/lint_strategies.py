"""Rules over one tool, from pools so small that they contradict, repeat and cover each other, and every call of it."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, TypeAlias

from hypothesis import strategies as st

from policy.cases import Call
from tests.policy.strategies import REVIEW, mixed, some

ABSENT = object()
TOOL = "pay.eu.send"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["whole", "word", "note", "listed", "flag", "path"],
    "properties": {
        "whole": {"type": "integer", "minimum": 0, "maximum": 4},
        "number": {"type": "number", "exclusiveMinimum": 0},
        "word": {"type": "string", "minLength": 1, "maxLength": 3},
        "note": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
        "land": {"type": "string", "enum": ["a", "ab", "c"], "default": "ab"},
        "listed": {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 2}},
        "numbers": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Small"}, "default": [1]},
        "flag": {"type": "boolean"},
        "path": {"type": "string", "pattern": "^[^c]"},
        "loose": {},
        "card": {
            "type": "object",
            "additionalProperties": False,
            "required": ["pin"],
            "properties": {"pin": {"type": "integer"}, "word": {"type": "string", "default": "a"}},
        },
    },
    "$defs": {"Small": {"type": "integer", "minimum": 1, "maximum": 3}},
}
VALUES: dict[str, list[Any]] = {  # of every kind that a condition of the pools below can tell apart
    "whole": [0, 1, 2, 3, 4, 2.0],
    "number": [ABSENT, 0.5, 1, 1.5, 2, 3, 4.0, 5],
    "word": ["a", "ab", "b", "abc", "c", "ba", "1.0", "1", "/a"],
    "note": [None, "", "a", "ab", "b", "abc"],
    "land": [ABSENT, "a", "ab", "c"],
    "listed": [[], ["a"], ["ab"], ["a", "b"], ["ab", "a"], ["", "c"], ["a", "a"]],
    "numbers": [ABSENT, [1], [2], [3], [1, 3], [1, 2, 3]],
    "flag": [True, False],
    "path": ["a", "a/b", "a/b/c", "b/a", "./a", "/a", "a/../b", "ab", "abc", "1", "~", "a\\b"],
    "loose": [ABSENT, None, 0, 1, 2.5, 3, "abc", "a/b", "a", "ab", True, [], ["a"], [0], [3, 1], ["a", 1], {"a": 1}],
    "card": [ABSENT, {"pin": 0}, {"pin": 1}, {"pin": 3, "word": "a"}, {"pin": 2, "word": "abc"}],
}
NUMBERS, WORDS, FOLDERS = (0, 1, 1.5, 2, 3, 4), ("a", "ab", "b", "abc", "c"), ("a", "a/b", "b", "/a", "./a/")
DECIMALS = tuple({"decimal": text} for text in ("1", "1.00", "2"))
ORDER, EQUAL, MEMBER = ("at_least", "at_most", "greater_than", "less_than"), ("equals", "not_equals"), ("in", "not_in")
Tests: TypeAlias = list[tuple[str, Any]]
PRESENCE: Tests = [("is_present", None), ("is_absent", None)]
OF_NUMBERS: Tests = [*product((*ORDER, *EQUAL), NUMBERS), *product(MEMBER, ([0, 1], [1, 2, 3, 4], [2])), *PRESENCE]
OF_TEXTS: Tests = [
    *product((*EQUAL, "starts_with", "ends_with", "contains"), (*WORDS, "a/")),
    *product(MEMBER, (["a", "ab"], ["a", "ab", "c"], ["b"])),
    *product(("path_inside",), FOLDERS),
    *product(("length_at_most", "length_at_least"), range(5)),
    *product((*ORDER, *EQUAL), DECIMALS),
    *product(("matches",), ("a.*", "a", "[ab]+")),
    *PRESENCE,
]
OF_FLAGS: Tests = [*product(EQUAL, (True, False)), *product(MEMBER, ([True], [True, False])), *PRESENCE]
TESTS: dict[str, Tests] = {
    **dict.fromkeys(("whole", "number", "card.pin", "numbers"), OF_NUMBERS),
    **dict.fromkeys(("word", "note", "land", "path", "card.word", "listed"), OF_TEXTS),
    "flag": OF_FLAGS,
    "loose": [*OF_NUMBERS, *OF_TEXTS, *OF_FLAGS],
}
PLAIN = {"whole": 0, "word": "a", "note": None, "listed": [], "flag": True, "path": "a"}
PEOPLE: list[tuple[str, str, tuple[str, ...]]] = [
    *product(("demo", "demo-1", "other"), ("test", "live"), ((), ("x",), ("x", "y")))
]
WORDS_OF_LISTS: list[str | None] = ["any_of", "all_of", "none_of"]
QUANTIFIERS = {"listed": WORDS_OF_LISTS, "numbers": WORDS_OF_LISTS, "loose": [None, *WORDS_OF_LISTS]}


def leaf(argument: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return conditions on one argument, quantified where it is a list, some of them silent about absence."""
    words = st.sampled_from(QUANTIFIERS.get(argument, [None]))
    return st.builds(
        written,
        st.just(argument),
        st.sampled_from(TESTS[argument]),
        words,
        st.sampled_from([None, "match", "no_match"]),
    )


def written(argument: str, test: tuple[str, Any], quantifier: str | None, if_missing: str | None) -> dict[str, Any]:
    """Return a leaf as a document has it."""
    operator, value = test
    if value is None:
        return {"argument": argument, "operator": operator}
    said = {
        "argument": argument,
        "operator": operator,
        "value": value,
        "quantifier": quantifier,
        "if_missing": if_missing,
    }
    return {name: field for name, field in said.items() if field is not None}


def conditions(argument: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return leaves and small groups about one argument, or it and a second one."""
    one = leaf(argument)
    either = st.one_of(one, one, one, leaf("whole"))
    group = st.one_of(
        st.fixed_dictionaries({"not": one}),
        st.fixed_dictionaries({"any": st.lists(either, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"all": st.lists(either, min_size=1, max_size=3)}),
    )
    return st.one_of(one, one, group, st.fixed_dictionaries({"not": group}))


def rules(most: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Return rules about one and the same argument."""
    return st.sampled_from(sorted(TESTS)).flatmap(
        lambda argument: st.lists(rule(argument), min_size=1, max_size=most).map(
            lambda found: [{"name": f"rule-{position}", **one} for position, one in enumerate(found)]
        )
    )


def rule(argument: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return rules that all look at the tool, in more and less narrow ways."""
    match = mixed(
        {"tools": st.sampled_from([["*"], ["pay.*"], [TOOL], ["pay.eu.*"]])},
        {
            "agents": some("demo", "demo-*", "demo-1"),
            "environments": some("test", "live"),
            "requester_groups": some("x", "y"),
        },
    )
    when = st.lists(conditions(argument), max_size=3)
    deny = st.just({"message": "No."})
    return st.one_of(
        st.fixed_dictionaries({"match": match, "when": when, "review": REVIEW}),
        st.fixed_dictionaries({"match": match, "when": when, "deny": deny}),
    )


def calls(names: Iterable[str], *, everyone: bool = False) -> Iterator[Call]:
    """Yield a call for every combination of the named arguments' values, by everyone who differs for the rules."""
    wanted = sorted({"whole", *names})
    people = PEOPLE if everyone else PEOPLE[:1]
    for (agent, environment, groups), values in product(people, product(*(VALUES[name] for name in wanted))):
        arguments = {**PLAIN, **dict(zip(wanted, values, strict=True))}
        given = {name: value for name, value in arguments.items() if value is not ABSENT}
        yield Call(TOOL, given, agent, environment, "ada", groups)
