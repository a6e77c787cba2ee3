"""Leaves in and out of documents: `{argument: path, operator: path_inside, value: archive}`."""

import re
from typing import cast, get_args

from audit.canonical import JSON
from policy.leaves import IfMissing, Leaf, Quantifier
from policy.operators import OPERATORS, Operator
from policy.operators.kinds import Scalar, Typed, Value
from policy.reading import Path, mapping, suggestion, text, wrong

ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*){0,7}")
FIELDS = ("value", "quantifier", "if_missing")
QUANTIFIERS, IF_MISSING = get_args(Quantifier), get_args(IfMissing)


def parse(raw: JSON, path: Path) -> Leaf:
    """Return one leaf, its value prepared; raises FieldError."""
    fields = mapping(raw, path, ("argument", "operator"), FIELDS)
    hint = "must be the name of an argument, dotted for what lies in it: recipient.country"
    argument = text(fields["argument"], (*path, "argument"), most=200, pattern=ARGUMENT, hint=hint)
    operator = _operator(fields["operator"], (*path, "operator"))
    if operator.judges_absence:
        _alone(fields, path)
    elif "value" not in fields:
        raise wrong((*path, "value"), "is missing")
    prepared = operator.prepare(fields.get("value"), (*path, "value"))
    return Leaf(
        argument=argument,
        operator=operator.name,
        value=prepared.value,
        quantifier=cast(Quantifier | None, _word(fields, "quantifier", QUANTIFIERS, path)),
        if_missing=cast(IfMissing | None, _word(fields, "if_missing", IF_MISSING, path)),
        path=tuple(argument.split(".")),
        test=prepared.test,
        types=prepared.types,
    )


def to_value(leaf: Leaf) -> dict[str, JSON]:
    """Return the leaf as `parse` reads it, without the fields it does not use."""
    fields: dict[str, JSON] = {"argument": leaf.argument, "operator": leaf.operator}
    if leaf.value is not None:
        fields["value"] = _plain(leaf.value)
    if leaf.quantifier:
        fields["quantifier"] = leaf.quantifier
    if leaf.if_missing:
        fields["if_missing"] = leaf.if_missing
    return fields


def _operator(raw: JSON, path: Path) -> Operator:
    name = text(raw, path, most=100)
    if name not in OPERATORS:
        raise wrong(path, f"is not an operator{suggestion(name, OPERATORS)}")
    return OPERATORS[name]


def _alone(fields: dict[str, JSON], path: Path) -> None:
    for name in FIELDS:
        if name in fields:
            raise wrong((*path, name), "has no place beside is_present or is_absent, which speak of absence themselves")


def _word(fields: dict[str, JSON], name: str, words: tuple[str, ...], path: Path) -> JSON:
    if name in fields and fields[name] not in words:
        raise wrong((*path, name), f"must be one of {', '.join(words)}, or left out")
    return fields.get(name)


def _plain(value: Value) -> JSON:
    if isinstance(value, tuple):
        return [_plain_scalar(item) for item in value]
    return None if value is None else _plain_scalar(value)


def _plain_scalar(value: Scalar) -> JSON:
    return {value.kind: value.text} if isinstance(value, Typed) else value
