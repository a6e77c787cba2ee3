"""Whether rules and test cases fit the tools there are: no rule about nothing, no condition that can only fail."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from audit import canonical
from policy import schemas
from policy.arguments import Schema, names_of, resolve, schema_at
from policy.cases import Case
from policy.conditions import leaves
from policy.leaves import Leaf
from policy.reading import suggestion
from policy.rules import Rule, fits

MAX_SUGGESTIONS = 20  # finding what was meant takes time, among ten thousand rules


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a policy that its author should see before it is in force.

    code      for programs: unknown_argument, shadowed, ...
    where     `rule NAME`, `test NAME` or `tool NAME`
    problem   a sentence that follows on `where`: what is wrong and the way out
    is_error  nobody can publish this; a warning can be overridden with a reason
    """

    code: str
    where: str
    problem: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Argument:
    """The JSON types that an argument can have, and those of the items of its lists; none where anything goes."""

    types: frozenset[str]
    items: frozenset[str]


class Fitting:
    """The tools there are, and what of a document does not fit them."""

    def __init__(self, tools: Mapping[str, Schema]) -> None:
        self._tools = tools
        self._arguments: dict[tuple[str, tuple[str, ...]], Argument | None] = {}
        self._suggestions_left = MAX_SUGGESTIONS

    def of_rule(self, rule: Rule) -> list[Finding]:
        """Return tools and arguments that are not there, values of a type that the argument cannot have."""
        found = (finding for pattern in rule.match.tools for finding in self._of_pattern(rule, pattern))
        return list(dict.fromkeys(found))

    def of_case(self, case: Case) -> Iterator[Finding]:
        """Yield why no agent could propose a test case's call."""
        schema = self._tools.get(case.call.tool)
        if schema is None:
            problems: Iterable[str] = (f"there is no tool {case.call.tool}{self._meant(case.call.tool)}",)
        else:
            digest = canonical.digest(canonical.encode(dict(schema)))
            violations = schemas.violations(digest, schema, dict(case.call.arguments))
            problems = (f"no agent can propose this call, correct it: {violation}" for violation in violations)
        yield from (Finding("invalid_test", f"test {case.name}", problem, is_error=True) for problem in problems)

    def _of_pattern(self, rule: Rule, pattern: str) -> Iterator[Finding]:
        where = f"rule {rule.name}"
        covered = {name: schema for name, schema in self._tools.items() if fits(name, pattern)}
        if not covered:
            yield Finding("unknown_tool", where, f"there is no tool {pattern}{self._meant(pattern)}", is_error=False)
            return
        for leaf in leaves(rule.when):
            # A pattern reaches only the tools that have the argument, so one of them is enough.
            known = {name: found for name in covered if (found := self._argument(name, leaf.path)) is not None}
            if not known:
                problem = f"{pattern} has no argument `{leaf.argument}`{self._argument_meant(leaf, covered.values())}"
                yield Finding("unknown_argument", where, problem, is_error=True)
            for name, argument in known.items():
                for code, problem in type_problems(leaf, argument):
                    yield Finding(code, where, f"{name}: {problem}", is_error=True)

    def _argument(self, tool: str, path: tuple[str, ...]) -> Argument | None:
        """Return what a tool's schema says of an argument, None where it has none of that name; kept."""
        if (tool, path) not in self._arguments:
            self._arguments[tool, path] = argument_at(path, self._tools[tool])
        return self._arguments[tool, path]

    def _meant(self, tool: str) -> str:
        return self._suggestion(tool, self._tools) or "; enable it first, or correct the name"

    def _argument_meant(self, leaf: Leaf, covered: Iterable[Schema]) -> str:
        names = {name for schema in covered for name in names_of(schema)} if self._suggestions_left > 0 else ()
        close = self._suggestion(leaf.argument, sorted(names)) if len(leaf.path) == 1 else ""
        return close or "; correct the name, or make a rule of its own for the tools that have it"

    def _suggestion(self, name: str, known: Iterable[str]) -> str:
        self._suggestions_left -= 1
        return suggestion(name, known) if self._suggestions_left >= 0 else ""


def argument_at(path: tuple[str, ...], schema: Schema) -> Argument | None:
    """Return what a schema says of the argument at a path, None where the tool has none of that name."""
    found = schema_at(path, schema)
    if found is None:
        return None
    return Argument(types_of(found), types_of(resolve(found.get("items"), schema)))


def type_problems(leaf: Leaf, argument: Argument) -> Iterator[tuple[str, str]]:
    """Yield why a leaf can never be judged on an argument: a code and a sentence each."""
    types = argument.types
    if leaf.quantifier:
        if types and "array" not in types:
            problem = (
                f"`{leaf.argument}` is no list, so {leaf.quantifier} can never be judged; leave the quantifier out"
            )
            yield "quantifier_without_list", problem
            return
        types = argument.items
    elif types == {"array"} and leaf.types and "array" not in leaf.types:
        yield "list_without_quantifier", f"`{leaf.argument}` is a list; say any_of, all_of or none_of"
        return
    if types and leaf.types and types.isdisjoint(leaf.types):
        needs = f"{leaf.operator} here needs {_listed(leaf.types)}"
        yield (
            "type_never_fits",
            f"`{leaf.argument}` is {_listed(types)}, but {needs}; correct the value or the operator",
        )


def types_of(schema: Schema) -> frozenset[str]:
    """Return the JSON types a schema allows, null aside; none where it does not say."""
    said = schema.get("type")
    named = cast("list[str]", said if isinstance(said, list) else [said] if isinstance(said, str) else [])
    return frozenset(named) - {"null"}


def _listed(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
