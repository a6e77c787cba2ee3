"""What a pre-authorisation is signed for: names that exist, tools pinned to their definitions, conditions that fit."""

from collections.abc import Sequence

from django.contrib.auth import get_user_model

from audit.canonical import JSON
from policy import allowlist, conditions, fitting, tool_facts
from policy.arguments import Schema, names_of
from policy.conditions import AllOf
from policy.reading import suggestion, wrong

MAX_NAMES = 100


def build(agents: Sequence[str], requesters: Sequence[str], tools: Sequence[str], when: list[JSON]) -> dict[str, JSON]:
    """Return the scope. Raises FieldError for a name, a tool or a condition about which it could never say yes."""
    for field, names in (("agents", agents), ("requesters", requesters), ("tools", tools)):
        if not 1 <= len(names) <= MAX_NAMES or not all(isinstance(name, str) and name for name in names):
            raise wrong((field,), f"must name 1 to {MAX_NAMES}")
    _refuse_strangers(requesters)
    condition = conditions.parse(when, ("conditions",))
    digests: dict[str, JSON] = {tool: _pinned(tool, condition) for tool in sorted(set(tools))}
    return {"agents": [*sorted(set(agents))], "requesters": [*sorted(set(requesters))], "tools": digests, "when": when}


def _refuse_strangers(requesters: Sequence[str]) -> None:
    active = get_user_model().objects.filter(username__in=requesters, is_active=True)
    known = frozenset(active.values_list("username", flat=True))
    for name in requesters:
        if name not in known:
            raise wrong(("requesters",), f"names {name[:60]!a}, who has no active account")


def _pinned(tool: str, condition: AllOf) -> list[JSON]:
    """Return the digests of a tool's enabled definitions, each of which the conditions fit."""
    versions = allowlist.enabled(tool)
    if not versions:
        raise wrong(("tools",), f"names {tool[:60]!a}, which is not an enabled tool")
    for version in versions:
        _fit(condition, tool, tool_facts.of(version).schema)
    return [version.digest for version in versions]


def _fit(condition: AllOf, tool: str, schema: Schema) -> None:
    for position, part in enumerate(condition.parts):
        for leaf in conditions.leaves(part):
            argument = fitting.argument_at(leaf.path, schema)
            if argument is None:
                close = suggestion(leaf.argument, sorted(names_of(schema))).removeprefix("; ").removesuffix("?")
                why = f"speaks of `{leaf.argument}`, which {tool} does not have"
                raise wrong(("conditions", position), f"{why} ({close}?)" if close else why)
            for _, problem in fitting.type_problems(leaf, argument):
                raise wrong(("conditions", position), f"does not fit {tool}: {problem}")
