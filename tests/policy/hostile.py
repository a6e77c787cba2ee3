"""Random rule sets, as documents write them, and calls that try to be judged wrongly."""

from random import Random
from typing import Any
from uuid import UUID

from policy.proposal import Proposal, ToolShape
from tests.policy.hostile_values import DIRECTORIES, GOOD, HOSTILE, HOSTS, ITEMS, KINDS, ODD, PATTERNS
from tests.policy.reference_values import own, plain

TOOLS = ("pay.send", "pay.eu.send", "files.read", "files.write", "payroll", "mail.send")
TOOL_PATTERNS = (*TOOLS, "pay.*", "pay.eu.*", "files.*", "*")
ODD_TOOLS = ("", "pay", "pay.", "pay.sen", "pay.send.x", "PAY.SEND", ".send", "pay..send", "pay.eu", "files\u2024read")
AGENTS, ODD_AGENTS = ("demo", "support-1", "support-2"), ("", "support", "support-", "Demo", "demo ", "\ud800")
ENVIRONMENTS, ODD_ENVIRONMENTS = ("test", "live"), ("", "LIVE", "live ")
GROUPS = ("approver", "finance", "legal")
ESCALATED = (*GROUPS, "board")
MATCHED = {"agents": (*AGENTS, "support-*"), "environments": ENVIRONMENTS, "requester_groups": GROUPS}
EQUALITY, ORDER = ["equals", "not_equals", "in", "not_in"], ["greater_than", "at_least", "less_than", "at_most"]
TEXT = [
    *EQUALITY,
    "starts_with",
    "ends_with",
    "contains",
    "matches",
    "matches",
    "matches",
    "length_at_most",
    "length_at_least",
]
OPERATORS = {
    **dict.fromkeys(("number", "decimal", "date", "time"), EQUALITY + ORDER * 2), "boolean": EQUALITY[:3], "text": TEXT,
    "path": ["path_inside"] * 20 + TEXT, "url": ["url_host_in"] * 20 + TEXT, "mail": ["email_domain_in"] * 20 + TEXT,
}  # fmt: skip


class Author:
    """Writes one rule set in a style of its own.

    wrong     how often a condition is of another kind than its argument
    silent    how often it does not say what absence means
    denies    how often a rule denies
    deep      how many groups may stand in each other
    escalates how often a review escalates
    """

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.wrong, self.silent = chance.choice((0.0, 0.0, 0.02)), chance.choice((0.0, 0.0, 0.1))
        self.denies, self.deep = chance.choice((0.0, 0.02, 0.3)), chance.choice((0, 0, 2, 4))
        self.escalates = chance.choice((0.0, 0.7, 1.0, 1.0))
        self.tools = chance.sample(TOOL_PATTERNS, chance.choice((1, 3, len(TOOL_PATTERNS))))
        self.arguments = chance.sample([*KINDS], chance.choice((1, 1, 3, len(KINDS))))

    def rules(self) -> list[dict[str, Any]]:
        """Return 10 to 300 rules."""
        return [self.rule(f"r{number}") for number in range(self.chance.choice((10, 10, 10, 20, 20, 40, 40, 80, 300)))]

    def rule(self, name: str) -> dict[str, Any]:
        chance, match = self.chance, {"tools": self.some(self.tools)}
        for field, pool in MATCHED.items():
            if chance.random() < 0.3:
                match[field] = self.some(pool)
        when = [self.condition(self.deep) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
        effect = {"deny": {"message": "No."}} if chance.random() < self.denies else {"review": self.review()}
        return {"name": name, "match": match, "when": when, **effect}

    def some(self, pool: Any) -> list[Any]:
        return self.chance.sample(pool, min(len(pool), self.chance.choice((1, 1, 2))))

    def review(self) -> dict[str, Any]:
        chance = self.chance
        groups = dict.fromkeys(tuple(sorted(self.some(GROUPS))) for _ in range(chance.choice((1, 1, 2))))
        requirements = [{"count": chance.randint(1, 3), "groups": [*one]} for one in groups]
        review: dict[str, Any] = {"requirements": requirements}
        for field in ("preauthorization", "allow_self"):
            if chance.random() < 0.7:
                review[field] = chance.random() < 0.8
        for field in ("open_minutes", "sign_in_minutes"):
            if chance.random() < 0.5:
                review[field] = chance.randint(1, 100)
        if chance.random() < 0.5:
            review["reminders"] = chance.random() < 0.3
        if chance.random() < self.escalates and (minutes := review.get("open_minutes", 1440)) > 1:
            after = min(minutes - 1, chance.choice((1, 2, 5, 50)))
            review["escalate"] = {"after_minutes": after, "groups": chance.sample(ESCALATED, chance.randint(1, 4))}
        return review

    def condition(self, deep: int) -> dict[str, Any]:
        word = self.chance.choice(("leaf", "leaf", "not", "all", "any")) if deep else "leaf"
        if word == "leaf":
            return self.leaf(self.chance.choice(self.arguments))
        if word == "not":
            return {"not": self.condition(deep - 1)}
        return {word: [self.condition(deep - 1) for _ in range(self.chance.choice((1, 2, 2, 3)))]}

    def leaf(self, argument: str) -> dict[str, Any]:
        chance, kind = self.chance, KINDS[argument]
        if chance.random() < 0.05:
            return {"argument": argument, "operator": chance.choice(("is_present", "is_absent"))}
        leaf: dict[str, Any] = {"argument": argument}
        if kind in ITEMS and chance.random() < 0.9:
            leaf["quantifier"], kind = chance.choice(("any_of", "all_of", "none_of")), ITEMS[kind]
        if chance.random() < self.wrong:
            kind = chance.choice([*OPERATORS])
        leaf["operator"] = chance.choice(OPERATORS[kind] if kind in OPERATORS else TEXT[-2:])
        leaf["value"] = self.value(leaf["operator"], kind)
        if chance.random() >= self.silent:
            leaf["if_missing"] = chance.choice(("match", "no_match"))
        return leaf

    def value(self, operator: str, kind: str) -> Any:
        chance = self.chance
        pools = {
            "matches": PATTERNS,
            "path_inside": DIRECTORIES,
            "length_at_most": range(12),
            "length_at_least": range(12),
        }
        if operator == "path_inside" and chance.random() < self.wrong:
            return "/archive"
        if operator in pools:
            return chance.choice(pools[operator])
        if operator in ("url_host_in", "email_domain_in"):
            return chance.sample(HOSTS, chance.randint(1, 3))
        pool = [one for one in GOOD[kind] if not isinstance(one, str) or one.isprintable()]
        if kind in ("decimal", "date", "time"):
            pool = [{kind: one} for one in pool]
        if operator in ("in", "not_in"):
            return distinct(chance.sample(pool, chance.randint(1, min(4, len(pool)))))
        return chance.choice(pool)


def distinct(values: list[Any]) -> list[Any]:
    """Return the values without those that are another way to write an earlier one, which documents refuse."""
    return [*{plain(own(value), like=value): value for value in reversed(values)}.values()]


class Caller:
    """Calls the tools: half of the calls are what the rules expect, the others are not.

    arguments  those that the rules speak of
    """

    def __init__(self, chance: Random, arguments: list[str]) -> None:
        self.chance, self.arguments = chance, arguments
        self.shapes = [self.shape(tool) for tool in TOOLS]

    def shape(self, tool: str) -> ToolShape:
        chance, names = self.chance, sorted({name.split(".")[0] for name in KINDS})
        defaulted = chance.sample([*KINDS], chance.choice((0, 0, 2, 6)))
        defaults = {name: self.good(KINDS[name]) for name in defaulted} | chance.choice(
            ({}, {}, {"box": {}}, {"note": None})
        )
        known = chance.choice((None, frozenset(names), frozenset(chance.sample(names, len(names) // 2))))
        return ToolShape(tool, defaults, known)

    def good(self, kind: str) -> Any:
        if kind in ITEMS:
            return [self.good(ITEMS[kind]) for _ in range(self.chance.choice((0, 1, 1, 2, 4)))]
        return self.chance.choice(GOOD[kind])

    def call(self) -> Proposal:
        chance = self.chance
        arguments = {name: self.good(kind) for name, kind in KINDS.items() if "." not in name}
        arguments["box"] = {"land": self.good("text"), "n": self.good("number"), "deep": {"path": self.good("path")}}
        for name in chance.sample([*arguments], chance.choice((0, 0, 2))):
            del arguments[name]
        if is_hostile := chance.random() < 0.5:
            for _ in range(chance.choice((1, 1, 2, 4))):
                name = chance.choice(self.arguments if chance.random() < 0.7 else [*KINDS])
                arguments[name.split(".")[0]] = self.bad(KINDS[name])
        return Proposal(
            request_id=UUID(int=1), requester="ada", arguments=arguments, shape=self.tool(is_hostile),
            agent=chance.choice(ODD_AGENTS if is_hostile and chance.random() < 0.1 else AGENTS),
            environment=chance.choice(ODD_ENVIRONMENTS if is_hostile and chance.random() < 0.1 else ENVIRONMENTS),
            requester_groups=frozenset(chance.sample(GROUPS, chance.randint(0, 3))),
        )  # fmt: skip

    def bad(self, kind: str) -> Any:
        pool = self.chance.choice((HOSTILE, ODD.get(ITEMS.get(kind, kind), HOSTILE)))
        value = self.chance.choice(pool)
        is_json = isinstance(value, str | int | float | list | dict | None)
        return [value, *self.good(kind)] if kind in ITEMS and is_json and self.chance.random() < 0.5 else value

    def tool(self, is_hostile: bool) -> ToolShape:
        """Return one of the tools; at times another with its name, or one with a name like it."""
        if is_hostile and self.chance.random() < 0.05:
            return self.shape(self.chance.choice(TOOLS + ODD_TOOLS))
        return self.chance.choice(self.shapes)
