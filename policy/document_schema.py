"""The JSON Schema of policy documents, for editors: it completes, explains and marks what `documents.load` refuses.

What a schema cannot say (names given once, patterns that compile, one kind of value in a list) `load` alone checks.
"""

import re
from typing import Any, TypeAlias

from policy.case_fields import MAX_CASE_NAME, OUTCOMES
from policy.case_fields import MAX_TEXT as MAX_CASE_TEXT
from policy.conditions import MAX_LEAVES
from policy.leaf_fields import ARGUMENT
from policy.leaves import QUANTIFIERS
from policy.operators import OPERATORS, Operator
from policy.operators.kinds import TYPED
from policy.operators.places import DOMAIN
from policy.operators.prepare import MAX_PATTERN, MAX_VALUES
from policy.operators.scalars import MAX_SAFE, MAX_TEXT
from policy.rule_fields import AGENT, LABEL, MAX_COUNT, MAX_ENTRIES, MAX_MESSAGE, MAX_MINUTES, MAX_NAME, NAME, TOOL

Node: TypeAlias = dict[str, Any]


def schema() -> Node:
    """Return the schema, draft 2020-12; its `$defs` are rules, conditions, requirements and test cases."""
    fields = {
        "format": {"const": 1},
        "note": {"type": "string", "description": "What this policy is for."},
        "rules": _list(_ref("rule"), least=1),
        "tests": _list(_ref("case")),
    }
    definitions = {
        "rule": _rule(),
        "condition": {"oneOf": [_ref("leaf"), *_groups()]},
        "leaf": {"oneOf": [_leaf(operator) for operator in OPERATORS.values()]},
        "requirement": _object(
            {"count": {"type": "integer", "minimum": 1, "maximum": MAX_COUNT}, "groups": _texts(LABEL)},
            required=("count", "groups"),
        ),
        "case": _case(),
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "M1 policy"}
    return {**head, **_object(fields, required=("format", "rules")), "$defs": definitions}


def _rule() -> Node:
    match = {
        "tools": _texts(TOOL, "Exact names, payments.* or *."),
        "agents": _texts(AGENT, "Exact names, or a beginning like support-*."),
        "environments": _texts(LABEL),
        "requester_groups": _texts(LABEL, "The requester is in at least one."),
    }
    fields = {
        "name": _text(MAX_NAME, NAME),
        "description": _text(MAX_MESSAGE),
        "match": _object(match, required=("tools",)),
        "when": _list(_ref("condition"), most=MAX_LEAVES) | {"description": "All of them must hold."},
        "deny": _object({"message": _text(MAX_MESSAGE)}, required=("message",)),
        "review": _review(),
    }
    one_effect = {"oneOf": [{"required": ["deny"]}, {"required": ["review"]}]}
    return _object(fields, required=("name", "match")) | one_effect


def _review() -> Node:
    minutes = {"type": "integer", "minimum": 1, "maximum": MAX_MINUTES}
    escalation = _object(
        {"after_minutes": minutes | {"description": "Less than open_minutes."}, "groups": _texts(LABEL)},
        required=("after_minutes", "groups"),
    )
    fields = {
        "requirements": _list(_ref("requirement"), least=1, most=MAX_ENTRIES),
        "preauthorization": {"type": "boolean", "description": "Whether a pre-authorisation may stand in."},
        "open_minutes": minutes,
        "sign_in_minutes": {"anyOf": [minutes, {"type": "null"}]},
        "allow_self": {
            "type": "boolean",
            "description": "Whether the requester may approve; every time it is flagged.",
        },
        "reminders": {
            "type": "boolean",
            "description": "Whether approvers are reminded when half and nine tenths of the time have passed.",
        },
        "escalate": {
            "anyOf": [escalation, {"type": "null"}],
            "description": "Whose members may fill any requirement too, once so many minutes have passed.",
        },
    }
    return _object(fields, required=("requirements",))


def _case() -> Node:
    name = _text(MAX_CASE_TEXT)
    call = {
        "tool": name,
        "arguments": {"type": "object"},
        "agent": name,
        "environment": name,
        "requester": name,
        "requester_groups": _texts(LABEL, least=0),
    }
    expect = {
        "outcome": {"enum": list(OUTCOMES)},
        "rules": _texts(NAME, "Exactly the rules that match.", least=0),
        "requirements": _list(_ref("requirement"), least=1, most=MAX_ENTRIES),
        "preauthorization": {"type": "boolean"},
    }
    fields = {
        "name": _text(MAX_CASE_NAME),
        "call": _object(call, required=("tool",)),
        "expect": _object(expect, required=("outcome",)),
    }
    return _object(fields, required=("name", "call", "expect"))


def _groups() -> list[Node]:
    several = _list(_ref("condition"), least=1, most=MAX_LEAVES)
    shapes = {"all": several, "any": several, "not": _ref("condition")}
    return [_object({word: shape}, required=(word,)) for word, shape in shapes.items()]


def _leaf(operator: Operator) -> Node:
    fields: Node = {"argument": _text(200, ARGUMENT), "operator": {"const": operator.name}}
    required = ["argument", "operator"]
    if not operator.judges_absence:
        fields["value"] = _values()[operator.value]
        fields["quantifier"] = {"enum": list(QUANTIFIERS)}
        fields["if_missing"] = {"enum": ["match", "no_match"]}
        required.append("value")
    return _object(fields, required=tuple(required))


def _values() -> dict[str, Node]:
    number = {"type": "number", "minimum": -MAX_SAFE, "maximum": MAX_SAFE}
    typed = [_object({kind: _text(100)}, required=(kind,)) for kind in sorted(TYPED)]
    scalar = {"anyOf": [_text(MAX_TEXT), number, {"type": "boolean"}, *typed]}
    return {
        "scalar": scalar,
        "scalars": _list(scalar, least=1, most=MAX_VALUES),
        "ordered": {"anyOf": [number, *typed]},
        "text": _text(MAX_TEXT),
        "pattern": _text(MAX_PATTERN) | {"description": "RE2, matched against the whole text."},
        "hosts": _list(_text(200, DOMAIN), least=1, most=MAX_VALUES) | {"uniqueItems": True},
        "length": {"type": "integer", "minimum": 0, "maximum": MAX_SAFE},
    }


def _object(properties: Node, *, required: tuple[str, ...]) -> Node:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: Node, *, least: int = 0, most: int | None = None) -> Node:
    return {"type": "array", "items": items, "minItems": least} | ({} if most is None else {"maxItems": most})


def _texts(pattern: re.Pattern[str], description: str = "", *, least: int = 1) -> Node:
    entries = _list(_text(200, pattern), least=least, most=MAX_ENTRIES) | {"uniqueItems": True}
    return entries | ({"description": description} if description else {})


def _text(most: int, pattern: re.Pattern[str] | None = None) -> Node:
    form = {"pattern": f"^(?:{pattern.pattern})$"} if pattern else {}
    return {"type": "string", "minLength": 1, "maxLength": most} | form


def _ref(name: str) -> Node:
    return {"$ref": f"#/$defs/{name}"}
