"""Whether rules and test cases fit the tools there are: no rule about nothing, no condition that can only fail."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from audit import canonical
from audit.canonical import JSON
from policy import schemas
from policy.arguments import Schema, resolve, schema_at
from policy.cases import Case
from policy.conditions import leaves
from policy.leaves import Leaf
from policy.reading import suggestion
from policy.rules import Rule, fits


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that stops publishing.

    where  the rule or test case, by name
    """

    where: str
    problem: str


def findings(rules: Iterable[Rule], cases: Iterable[Case], tools: Mapping[str, Schema]) -> Iterator[Finding]:
    """Yield everything that names a tool or argument there is none of, or wants a type the argument cannot have."""
    for rule in rules:
        for pattern in rule.match.tools:
            for problem in _pattern_problems(rule, pattern, tools):
                yield Finding(f"rule {rule.name}", problem)
    for case in cases:
        for problem in _case_problems(case, tools):
            yield Finding(f"test {case.name}", problem)


def _pattern_problems(rule: Rule, pattern: str, tools: Mapping[str, Schema]) -> Iterator[str]:
    covered = {name: schema for name, schema in tools.items() if fits(name, pattern)}
    if not covered:
        yield f"there is no tool {pattern}{suggestion(pattern, tools)}"
        return
    for leaf in leaves(rule.when):
        # A pattern reaches only the tools that have the argument, so one of them is enough.
        known = {name: found for name, schema in covered.items() if (found := schema_at(leaf.path, schema)) is not None}
        if not known:
            yield f"{pattern} has no argument `{leaf.argument}`{_suggested(leaf, covered.values())}"
        for name, found in known.items():
            yield from (f"{name}: {problem}" for problem in _type_problems(leaf, found, covered[name]))


def _type_problems(leaf: Leaf, found: Schema, root: Schema) -> Iterator[str]:
    types = _types(found)
    if leaf.quantifier:
        if types and "array" not in types:
            yield f"`{leaf.argument}` is no list, so {leaf.quantifier} can never be judged"
            return
        types = _types(resolve(found.get("items"), root))
    elif types == {"array"} and leaf.types and "array" not in leaf.types:
        yield f"`{leaf.argument}` is a list; say any_of, all_of or none_of"
        return
    if types and leaf.types and types.isdisjoint(leaf.types):
        yield f"`{leaf.argument}` is {_listed(types)}, but {leaf.operator} here needs {_listed(leaf.types)}"


def _case_problems(case: Case, tools: Mapping[str, Schema]) -> Iterator[str]:
    schema = tools.get(case.call.tool)
    if schema is None:
        yield f"there is no tool {case.call.tool}{suggestion(case.call.tool, tools)}"
        return
    digest = canonical.digest(canonical.encode(dict(schema)))
    yield from schemas.violations(digest, schema, dict(case.call.arguments))


def _types(schema: Schema) -> frozenset[str]:
    """Return the JSON types a schema allows, null aside; none where it does not say."""
    said = schema.get("type")
    named = cast("list[str]", said if isinstance(said, list) else [said] if isinstance(said, str) else [])
    return frozenset(named) - {"null"}


def _suggested(leaf: Leaf, covered: Iterable[Schema]) -> str:
    names: list[str] = []
    for schema in covered:
        properties: JSON = schema.get("properties")
        names += properties if isinstance(properties, dict) else ()
    return suggestion(leaf.argument, names) if len(leaf.path) == 1 else ""


def _listed(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
