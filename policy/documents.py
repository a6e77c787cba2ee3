"""A policy as a document: YAML in and out, its canonical form and digest, its test cases, its schema for editors.

format: 1
note: What this policy is for.
rules:
  - name: archive-stays
    match: {tools: [files.delete]}
    when:
      - {argument: path, operator: path_inside, value: archive}
    deny: {message: The archive is kept for seven years.}
tests:
  - name: the archive stays
    call: {tool: files.delete, arguments: {path: archive/2019.txt}}
    expect: {outcome: denied, rules: [archive-stays]}
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from audit import canonical as canonical_json
from audit.canonical import JSON
from policy import case_fields, cases, rule_fields, yaml_text
from policy.arguments import Schema
from policy.cases import Case, Failure
from policy.document_schema import schema
from policy.engine import CompiledPolicy, compile_rules
from policy.errors import FieldError
from policy.reading import Path, mapping, sequence, suggestion, text, wrong
from policy.rules import Rule
from policy.yaml_text import Lines, problem, refuse

__all__ = ["Document", "Failure", "load", "run_tests", "schema"]
FORMAT, MAX_RULES, MAX_TESTS, MAX_NOTE = 1, 10_000, 2_000, 5_000
MAX_NAME_PROBLEMS = 20  # finding what was meant takes time, among ten thousand names
_Part = TypeVar("_Part", Rule, Case)


@dataclass(frozen=True, slots=True)
class Document:
    """Rules, the test cases that come with them, and a note by their author."""

    rules: tuple[Rule, ...]
    tests: tuple[Case, ...] = ()
    note: str = ""

    def compiled(self) -> CompiledPolicy:
        """Return the rules ready to judge with."""
        return compile_rules(self.rules)


def load(text: str) -> Document:
    """Return the document that a YAML text (or its JSON) holds; raises DocumentError with every problem found."""
    value, lines = yaml_text.read(text)
    return from_value(value, lines)


def dump(document: Document) -> str:
    """Return the document as YAML that `load` reads back equal."""
    return yaml_text.write(to_value(document))


def canonical(document: Document) -> bytes:
    """Return the RFC 8785 bytes of the document, which its digest is over."""
    return canonical_json.encode(to_value(document))


def digest(document: Document) -> str:
    """Return the hexadecimal SHA-256 of the canonical bytes: the policy version's digest."""
    return canonical_json.digest(canonical(document))


def run_tests(document: Document, schemas: Mapping[str, Schema] | None = None) -> list[Failure]:
    """Return the document's test cases that fail.

    schemas  of the tools, by name: their defaults stand in for arguments a case leaves out
    """
    return cases.run(document.tests, document.compiled(), schemas or {})


def from_value(value: JSON, lines: Lines | None = None) -> Document:
    """Return the document that a JSON value holds; raises DocumentError with every problem found."""
    problems: list[FieldError] = []
    rules: tuple[Rule, ...] = ()
    tests: tuple[Case, ...] = ()
    note = ""
    try:
        fields = mapping(value, (), ("format", "rules"), ("note", "tests"))
        if fields["format"] != FORMAT or isinstance(fields["format"], bool):
            raise wrong(("format",), f"must be {FORMAT}")
        note = text(fields["note"], ("note",), most=MAX_NOTE) if "note" in fields else ""
        rules = _each(fields["rules"], "rules", rule_fields.parse, problems, least=1, most=MAX_RULES)
        tests = _each(fields.get("tests", []), "tests", case_fields.parse, problems, least=0, most=MAX_TESTS)
    except FieldError as exc:
        problems.append(exc)
    problems = problems or list(islice(_name_problems(rules, tests), MAX_NAME_PROBLEMS))
    if problems:
        refuse([problem(_line(exc.path, lines or {}), exc.path, exc.problem) for exc in problems])
    return Document(rules, tests, note)


def to_value(document: Document) -> dict[str, JSON]:
    """Return the document as `from_value` reads it, the defaults of its rules written out."""
    fields: dict[str, JSON] = {"format": FORMAT}
    if document.note:
        fields["note"] = document.note
    fields["rules"] = [rule_fields.to_value(rule) for rule in document.rules]
    if document.tests:
        fields["tests"] = [case_fields.to_value(case) for case in document.tests]
    return fields


def _each(
    raw: JSON, field: str, parse: Callable[[JSON, Path], _Part], problems: list[FieldError], *, least: int, most: int
) -> tuple[_Part, ...]:
    """Return every entry that reads well; the first problem of each that does not goes to `problems`."""
    found = []
    for position, entry in enumerate(sequence(raw, (field,), least=least, most=most)):
        try:
            found.append(parse(entry, (field, position)))
        except FieldError as exc:
            problems.append(exc)
    return tuple(found)


def _name_problems(rules: tuple[Rule, ...], tests: tuple[Case, ...]) -> Iterator[FieldError]:
    """Yield names given twice, and test cases that expect a rule there is none of."""
    names = [rule.name for rule in rules]
    yield from _repeated(names, "rules")
    yield from _repeated([case.name for case in tests], "tests")
    known = frozenset(names)
    for position, case in enumerate(tests):
        for expected in frozenset(case.expect.rules or ()) - known:
            path: Path = ("tests", position, "expect", "rules")
            yield wrong(path, f'names the rule "{expected}", which is not in the document{suggestion(expected, names)}')


def _repeated(names: list[str], field: str) -> Iterator[FieldError]:
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if first.setdefault(name, position) != position:
            yield wrong((field, position, "name"), f'"{name}" is the name of {field}[{first[name]}] already')


def _line(path: Path, lines: Lines) -> int:
    """Return the line of a field, or of the nearest thing around it that is there."""
    return next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), 0)
