"""Rules and calls from a seed: the same for the same size and shape, on every machine. Calls are Zipf-like."""

import random
import re

from m1site.bench.workload import NAMES_A_RULE, Call, Condition, Rule, Workload

CALLS = 10_000
VERBS = "read list create update delete transfer send exec export search".split()
CURRENCIES = "USD EUR GBP JPY CHF SEK AUD CAD PLN INR".split()
REGIONS = "eu us uk jp br in".split()
ENVIRONMENTS = "prod staging dev".split()
DOMAINS = [f"corp{number}.example" for number in range(20)]
DIRECTORIES = "data etc home srv tmp".split()
GROUPS = [frozenset({"staff"}), frozenset({"staff", "finance"}), frozenset({"staff", "support", "oncall"})]
TEAMS, TEAM_SIZE = 20, 25
BOUNDS = {
    "deny": (">", (5000, 7500, 9000, 9500)),
    "approve": (">", (1000, 2000, 4000)),
    "allow": ("<=", (500, 1000, 2500, 5000)),
}
EVERY_DAY = [
    Rule(0, "allow", "*", "*", "dev", ()),
    Rule(1, "allow", "*.read", "*", "*", ()),
    Rule(2, "allow", "*.list", "*", "*", ()),
]


def make(size: int, shape: str) -> Workload:
    """Return the workload of a size, 10 at least, and a shape of SHAPES."""
    chance = random.Random(f"{size} rules, {shape}")
    tools = tool_names(100 if shape == "hundred" else max(20, size // 4))
    agents = [f"team{team}.agent{number}" for team in range(TEAMS) for number in range(TEAM_SIZE)]
    rules = _rules(size, tools, agents, chance, is_capped=shape == "grow")
    called, calling = (_zipf(names, chance) for names in (tools, agents))
    return Workload(tools, rules, [_call(*names, chance) for names in zip(called, calling, strict=True)])


def tool_names(count: int) -> list[str]:
    """Return the names of that many tools, ten to a namespace."""
    spaces = ["payments", *(f"ns{number}" for number in range(1, max(2, count // 10)))]
    return [f"{space}.{verb}" for space in spaces for verb in VERBS][:count]


def _rules(size: int, tools: list[str], agents: list[str], chance: random.Random, *, is_capped: bool) -> list[Rule]:
    """Return rules for everyone's every-day calls, then random ones until M1 writes `size` of them.

    is_capped   at most 10 rules for all tools and 40 for a verb, so that a call meets no more of them in a large set
    """
    left = {"*": 10, "*.": 40} if is_capped else {"*": size, "*.": size}
    rules, written = [*EVERY_DAY], sum(width(rule.tool, tools) for rule in EVERY_DAY)
    while written < size:
        rule = _rule(len(rules), tools, agents, left, chance)
        if written + width(rule.tool, tools) <= size:
            rules.append(rule)
            written += width(rule.tool, tools)
    return rules


def width(pattern: str, tools: list[str]) -> int:
    """Return how many rules M1 needs for a pattern: `*.verb` is lists of names there, of a hundred at most."""
    if not pattern.startswith("*."):
        return 1
    return -(-sum(tool.endswith(pattern[1:]) for tool in tools) // NAMES_A_RULE)


def _rule(number: int, tools: list[str], agents: list[str], left: dict[str, int], chance: random.Random) -> Rule:
    tool = _tool(tools, left, chance)
    is_broad = tool.startswith("*")
    everyone, team = 0 if is_broad else 0.3, f"team{chance.randrange(TEAMS)}.*"
    agent = _one(chance, (everyone, "*"), (0.8, team), (1, chance.choice(agents)))
    environment = _one(chance, (0.4, "*"), (0.8, "prod"), (1, chance.choice(ENVIRONMENTS)))
    effect = _one(chance, (0.55, "allow"), (0.8, "approve"), (1, "deny"))
    count = 2 if is_broad else chance.choice((0, 1, 1, 2) if effect == "allow" else (1, 2))
    kinds = chance.sample(["amount", "currency", "path", "recipient", "region"], count)
    return Rule(number, effect, tool, agent, environment, tuple(_condition(kind, effect, chance) for kind in kinds))


def _tool(tools: list[str], left: dict[str, int], chance: random.Random) -> str:
    space, verb = chance.choice(tools).split(".")
    pattern = _one(chance, (0.02, "*"), (0.06, f"*.{verb}"), (0.16, f"{space}.*"), (1, chance.choice(tools)))
    kind = pattern[:2]
    if kind in left:
        left[kind] -= 1
    return pattern if left.get(kind, 0) >= 0 else f"{space}.*"


def _one(chance: random.Random, *choices: tuple[float, str]) -> str:
    """Return the first choice whose bound a number from 0 to 1 is below."""
    drawn = chance.random()
    return next(choice for bound, choice in choices if drawn < bound)


def _condition(kind: str, effect: str, chance: random.Random) -> Condition:
    if kind == "amount":
        operator, bounds = BOUNDS[effect]
        return Condition(kind, operator, chance.choice(bounds))
    if kind == "currency":
        count = chance.choice((1, 2, 3) if effect == "deny" else (3, 4, 6))
        return Condition(kind, "in", sorted(chance.sample(CURRENCIES, count)))
    if kind == "path":
        team = f"team{chance.randrange(TEAMS)}/" if chance.random() < 0.5 else ""
        return Condition(kind, "prefix", f"/{chance.choice(DIRECTORIES)}/{team}")
    if kind == "recipient":
        return Condition(kind, "regex", "[a-z0-9]+@" + re.escape(chance.choice(DOMAINS)))
    return Condition(kind, "==", chance.choice(REGIONS))


def _zipf(names: list[str], chance: random.Random) -> list[str]:
    shuffled = chance.sample(names, len(names))
    return chance.choices(shuffled, [(place + 1) ** -0.8 for place in range(len(names))], k=CALLS)


def _call(tool: str, agent: str, chance: random.Random) -> Call:
    arguments = {
        "amount": chance.randrange(10_000),
        "currency": chance.choice(CURRENCIES),
        "path": f"/{chance.choice(DIRECTORIES)}/team{chance.randrange(TEAMS)}/f{chance.randrange(999)}.csv",
        "recipient": f"u{chance.randrange(999)}@{chance.choice(DOMAINS)}",
        "region": chance.choice(REGIONS),
    }
    return Call(tool, agent, chance.choices(ENVIRONMENTS, (6, 2, 2))[0], chance.choice(GROUPS), arguments)
