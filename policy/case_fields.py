"""Test cases in and out of documents."""

from audit.canonical import JSON, encode
from audit.errors import NotCanonicalError
from policy import rule_fields
from policy.cases import Call, Case, Expectation
from policy.reading import Path, boolean, mapping, text, texts, wrong
from policy.rule_fields import LABEL, MAX_ENTRIES, NAME
from policy.verdict import Outcome

OUTCOMES = (Outcome.DENIED.value, Outcome.NEEDS_APPROVAL.value)
TEXTS = ("agent", "environment", "requester")
MAX_CASE_NAME, MAX_TEXT = 200, 200


def parse(raw: JSON, path: Path) -> Case:
    """Return one test case; raises FieldError."""
    fields = mapping(raw, path, ("name", "call", "expect"))
    return Case(
        name=text(fields["name"], (*path, "name"), most=MAX_CASE_NAME),
        call=_call(fields["call"], (*path, "call")),
        expect=_expectation(fields["expect"], (*path, "expect")),
    )


def to_value(case: Case) -> dict[str, JSON]:
    """Return the test case as `parse` reads it, without what it leaves open."""
    call: dict[str, JSON] = {"tool": case.call.tool, "arguments": dict(case.call.arguments)}
    call |= {name: getattr(case.call, name) for name in TEXTS if getattr(case.call, name)}
    if case.call.requester_groups:
        call["requester_groups"] = list(case.call.requester_groups)
    return {"name": case.name, "call": call, "expect": _expectation_value(case.expect)}


def _call(raw: JSON, path: Path) -> Call:
    fields = mapping(raw, path, ("tool",), ("arguments", "requester_groups", *TEXTS))
    said = {name: text(fields[name], (*path, name), most=MAX_TEXT) if name in fields else "" for name in TEXTS}
    groups = fields.get("requester_groups", [])
    hint = "must be a group's name, without spaces around it"
    return Call(
        tool=text(fields["tool"], (*path, "tool"), most=MAX_TEXT),
        arguments=_arguments(fields.get("arguments", {}), (*path, "arguments")),
        requester_groups=texts(groups, (*path, "requester_groups"), most=MAX_ENTRIES, pattern=LABEL, hint=hint),
        **said,
    )


def _arguments(raw: JSON, path: Path) -> dict[str, JSON]:
    if not isinstance(raw, dict):
        raise wrong(path, "must be a mapping of argument names to values")
    try:
        encode(raw)
    except NotCanonicalError as exc:
        raise wrong(path, str(exc)) from None
    return raw


def _expectation(raw: JSON, path: Path) -> Expectation:
    fields = mapping(raw, path, ("outcome",), ("rules", "requirements", "preauthorization"))
    if fields["outcome"] not in OUTCOMES:
        raise wrong((*path, "outcome"), f"must be one of {', '.join(OUTCOMES)}")
    return Expectation(
        outcome=Outcome(str(fields["outcome"])),
        rules=_rules(fields["rules"], (*path, "rules")) if "rules" in fields else None,
        requirements=rule_fields.requirements(fields["requirements"], (*path, "requirements"))
        if "requirements" in fields
        else None,
        preauthorization=boolean(fields["preauthorization"], (*path, "preauthorization"))
        if "preauthorization" in fields
        else None,
    )


def _rules(raw: JSON, path: Path) -> tuple[str, ...]:
    return texts(raw, path, most=MAX_ENTRIES, pattern=NAME, hint="must be the name of a rule")


def _expectation_value(expect: Expectation) -> dict[str, JSON]:
    fields: dict[str, JSON] = {"outcome": expect.outcome.value}
    if expect.rules is not None:
        fields["rules"] = list(expect.rules)
    if expect.requirements is not None:
        fields["requirements"] = [requirement.as_dict() for requirement in expect.requirements]
    if expect.preauthorization is not None:
        fields["preauthorization"] = expect.preauthorization
    return fields
