"""The JSON Schema of a tool's arguments, read from its type hints by pydantic."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from policy.declare import Length

_PLAIN = (str, int, float, bool, NoneType)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)

_NUMBER = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_WORDS = {
    "string": frozenset({"minLength", "maxLength", "pattern"}),
    "integer": _NUMBER,
    "number": _NUMBER,
    "array": frozenset({"items", "minItems", "maxItems", "uniqueItems"}),
    "object": frozenset({"properties", "required", "additionalProperties", "minProperties", "maxProperties"}),
    "boolean": frozenset(),
    "null": frozenset(),
}
_ALWAYS = frozenset({"type", "description", "default", "enum", "const"})


class UnusableSignature(Exception):
    """The function's parameters cannot be arguments of a tool."""


class _Untitled(GenerateJsonSchema):
    """JSON Schema without the titles that pydantic makes up from Python's names."""

    # policy/defaults.py refuses what this would warn of
    ignored_warning_kinds = GenerateJsonSchema.ignored_warning_kinds | {"non-serializable-default"}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def generate(self, schema: Any, mode: Any = "validation") -> JsonSchemaValue:
        document = super().generate(schema, mode)
        document.pop("title", None)
        return document


def schema(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the JSON Schema of the function's parameters; unknown ones are refused.

    A plain text inside `Annotated` becomes the description; Length and the constraints of annotated_types become the
    matching keywords.
    Raises UnusableSignature.
    """
    try:
        hints = get_type_hints(function, include_extras=True)
        # Under names of our own, since pydantic keeps some for itself; the schema shows the aliases.
        fields: dict[str, Any] = {
            f"argument_{number}": (_field_type(parameter, hints), _field(parameter))
            for number, parameter in enumerate(inspect.signature(function).parameters.values())
        }
        model = create_model("Arguments", __config__=ConfigDict(extra="forbid", strict=True), **fields)
        document: dict[str, Any] = model.model_json_schema(schema_generator=_Untitled)
    except (PydanticUserError, NameError, TypeError, ValueError) as exc:
        raise UnusableSignature(f"its type hints cannot be read ({type(exc).__name__})") from exc
    if misfits := sorted(_misfits(document)):
        raise UnusableSignature(f"a constraint does not fit its type: {', '.join(misfits)}")
    return {"properties": {}} | document


def _field(parameter: inspect.Parameter) -> Any:
    default = ... if parameter.default is inspect.Parameter.empty else parameter.default
    return Field(default, alias=parameter.name)


def _field_type(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Any:
    name = parameter.name
    if parameter.kind not in _NAMED or name not in hints:
        raise UnusableSignature(f"the parameter {name!r} has no type hint, or cannot be given by name")
    try:
        return _plain(hints[name])
    except TypeError:
        raise UnusableSignature(f"the type of {name!r} is not plain JSON: {hints[name]!r}") from None


def _plain(hint: Any) -> Any:
    """Return the hint with texts made descriptions; a child process gets JSON values, so no other types can be kept."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(_plain(arguments[0]), tuple(map(_note, arguments[1:])))
    if hint in _PLAIN or origin is Literal:
        return hint
    if origin is list:
        return list[_plain(arguments[0])]  # type: ignore[misc]
    if origin is dict and arguments[0] is str:
        return dict[str, _plain(arguments[1])]  # type: ignore[misc]
    if origin in (Union, UnionType):
        return Union[tuple(_plain(argument) for argument in arguments)]  # noqa: UP007 - built from values
    raise TypeError


def _annotated(hint: Any, notes: tuple[Any, ...]) -> Any:
    """Put the notes to the hint; one that leaves no word in the schema would be checked by nobody, so it is refused."""
    for note in notes:
        if TypeAdapter(Annotated[hint, note]).json_schema() == TypeAdapter(hint).json_schema():
            raise UnusableSignature(f"JSON Schema has no word for {note!r} on {hint!r}")
    return Annotated[hint, *notes]


def _misfits(node: Any) -> Iterator[str]:
    """Yield the words that mean nothing where they stand, such as a length on a number: JSON Schema ignores them."""
    if isinstance(node, dict):
        words = _WORDS.get(str(node.get("type")))
        yield from set(node) - _ALWAYS - words if words is not None else ()
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _misfits(child)


def _note(note: Any) -> Any:
    if isinstance(note, Length):
        return Field(min_length=note.least or None, max_length=note.most)
    return Field(description=note) if isinstance(note, str) else note
