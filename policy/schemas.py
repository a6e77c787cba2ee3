"""Arguments against a tool's JSON Schema: compiled once, bounded, without the network; answered in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jsonschema_rs

from policy.errors import PolicyError
from policy.reveal import reveal
from policy.schema_limits import check_shape

MAX_COMPILED = 512
MAX_SENTENCES = 20
MAX_VALUES = 2_000
"""In a call of more, only the first violation is named: 500 000 of them took 15 seconds and 2 GB to list."""
NAME_CHARACTERS = 60

_compiled: dict[str, jsonschema_rs.Draft202012Validator] = {}

_TYPES = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list",
    "object": "an object", "null": "null",
}  # fmt: skip
_SENTENCES: dict[str, Callable[[Any], str]] = {
    "type": lambda kind: f"must be {' or '.join(_TYPES[name] for name in kind.types)}",
    "required": lambda kind: f"lacks `{_name(kind.property)}`",
    "additionalProperties": lambda kind: f"has unknown fields: {_listed(kind.unexpected)}",
    "minimum": lambda kind: f"must be at least {kind.limit}",
    "maximum": lambda kind: f"must be at most {kind.limit}",
    "exclusiveMinimum": lambda kind: f"must be more than {kind.limit}",
    "exclusiveMaximum": lambda kind: f"must be less than {kind.limit}",
    "multipleOf": lambda kind: f"must be a multiple of {kind.multiple_of}",
    "minLength": lambda kind: f"must have at least {kind.limit} characters",
    "maxLength": lambda kind: f"must have at most {kind.limit} characters",
    "minItems": lambda kind: f"must have at least {kind.limit} items",
    "maxItems": lambda kind: f"must have at most {kind.limit} items",
    "uniqueItems": lambda kind: "must not name an item twice",
    "minProperties": lambda kind: f"must have at least {kind.limit} fields",
    "maxProperties": lambda kind: f"must have at most {kind.limit} fields",
    "pattern": lambda kind: f"must match the pattern {kind.pattern}",
    "enum": lambda kind: f"must be one of {_listed(kind.options)}",
    "const": lambda kind: f"must be `{kind.expected_value}`",
}


class BadSchemaError(PolicyError):
    """The tool's schema cannot be used: {reason}."""

    code = "invalid_tool_schema"


def violations(schema_digest: str, schema: Mapping[str, Any], arguments: object) -> tuple[str, ...]:
    """Return what is wrong with a call's arguments, one sentence each, naming the field and never showing its value.

    schema_digest  names the schema for good: it is compiled once and kept under this name
    """
    return _violations(_compiled.get(schema_digest) or _compile(schema_digest, schema), arguments)


def default_violations(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is wrong with a sound schema's own defaults, in the same sentences."""
    declared = schema["properties"].items()
    defaults = {name: argument["default"] for name, argument in declared if "default" in argument}
    return _violations(_validator({**schema, "required": []}), defaults)


def refuse_bad_schema(schema: Mapping[str, Any]) -> None:
    """Raise BadSchemaError for a schema that is invalid, fetches, recurses, explodes or backtracks, or is too large."""
    reason = check_shape(schema)
    if reason:
        raise BadSchemaError(reason=reason)
    try:
        jsonschema_rs.meta.validate(dict(schema))
    except jsonschema_rs.ValidationError as exc:
        raise BadSchemaError(reason=f"{_path(exc.instance_path) or 'the schema'} is not valid JSON Schema") from None
    try:
        _validator(schema)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as exc:
        raise BadSchemaError(reason=f"it does not compile ({str(exc).splitlines()[0]})") from None


def _violations(validator: jsonschema_rs.Draft202012Validator, arguments: object) -> tuple[str, ...]:
    if validator.is_valid(arguments):
        return ()
    if _is_large(arguments):
        return (_first(validator, arguments), "There may be more; of a call this large, only the first is named.")
    sentences = [_sentence(error) for error in validator.iter_errors(arguments)]
    more = len(sentences) - MAX_SENTENCES
    return (*sentences[:MAX_SENTENCES], f"… and {more} more.") if more > 0 else tuple(sentences)


def _first(validator: jsonschema_rs.Draft202012Validator, arguments: object) -> str:
    try:
        validator.validate(arguments)
    except jsonschema_rs.ValidationError as exc:
        return _sentence(exc)
    return "The call does not satisfy its schema."


def _is_large(arguments: object) -> bool:
    left, waiting = MAX_VALUES, [arguments]
    while waiting and left > 0:
        value = waiting.pop()
        left -= 1
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return bool(waiting)


def _compile(schema_digest: str, schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    refuse_bad_schema(schema)
    if len(_compiled) >= MAX_COMPILED:
        _compiled.pop(next(iter(_compiled)), None)
    return _compiled.setdefault(schema_digest, _validator(schema))


def _validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(dict(schema), offline=True, pattern_options=jsonschema_rs.RegexOptions())


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    where = f"`{_path(error.instance_path)}`" if error.instance_path else "The call"
    say = _SENTENCES.get(error.kind.name)
    return f"{where} {say(error.kind) if say else 'does not satisfy `' + error.kind.name + '`'}."


def _path(path: Sequence[str | int]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{_name(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def _name(name: str) -> str:
    shown = reveal(name[:NAME_CHARACTERS], one_line=True)
    return shown if len(name) <= NAME_CHARACTERS else f"{shown}…"


def _listed(names: Sequence[object]) -> str:
    shown = ", ".join(f"`{_name(str(name))}`" for name in names[:MAX_SENTENCES])
    return shown if len(names) <= MAX_SENTENCES else f"{shown} and {len(names) - MAX_SENTENCES} more"
