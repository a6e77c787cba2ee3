"""The tools that this process's own code defines: what each is, and the digest that an approval is bound to."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from audit import canonical
from policy import defaults, signatures, sources
from policy.declare import ATTRIBUTE, Declaration, Risk
from policy.errors import PolicyError
from policy.headline import placeholders
from policy.schemas import refuse_bad_schema
from policy.variables import may_be_granted

NAME = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*")
MAX_NAME_CHARACTERS = 64
"""Of the name as the model sees it, where each `.` has become `__`."""
MAX_TIMEOUT_SECONDS = 3_600


class BadToolError(PolicyError):
    """The tool {tool} cannot be registered: {reason}."""

    code = "invalid_tool"


@dataclass(frozen=True)
class Definition:
    """A tool as its code defines it.

    schema       JSON Schema of the arguments; unknown ones are refused
    function     where it is: a name in the module; preview likewise, None without one
    declaration  RFC 8785 bytes of everything above, and of the digest of each source file of the tool's package
    digest       SHA-256 of the declaration: another digest is another tool
    """

    name: str
    description: str
    schema: dict[str, Any]
    risk: Risk
    read_only: bool
    idempotent: bool
    reversible_with: str | None
    external: bool
    timeout_seconds: int
    headline: str
    sensitive_arguments: tuple[str, ...]
    sensitive_results: tuple[str, ...]
    environment: tuple[str, ...]
    module: str
    function: str
    preview: str | None
    declaration: bytes
    digest: str


def load(modules: Iterable[str]) -> dict[str, Definition]:
    """Import the modules and return the tools they declare, by name.

    Raises BadToolError: a declaration that does not hold, a name taken twice, a module that declares nothing.
    """
    found: dict[str, Definition] = {}
    for module_name in modules:
        module = importlib.import_module(module_name)
        definitions = [_define(module, function) for function in _declared(module)]
        if not definitions:
            raise BadToolError(tool=module_name, reason="the module declares no tool")
        for definition in definitions:
            if found.setdefault(definition.name, definition) is not definition:
                raise BadToolError(tool=definition.name, reason="another tool has this name")
    _check_reversals(found)
    return found


def is_unchanged(definition: Definition) -> bool:
    """Tell whether the files on disk are still those of the definition; a child process imports them anew."""
    declared = canonical.parse(definition.declaration)
    return isinstance(declared, dict) and declared["sources"] == sources.digests(definition.module)


def _declared(module: ModuleType) -> Iterator[Callable[..., Any]]:
    for value in vars(module).values():
        # The exact type: isinstance would wake lazy objects, such as Django's settings, that a module has imported.
        if type(value) is FunctionType and hasattr(value, ATTRIBUTE) and value.__module__ == module.__name__:
            yield value


def _define(module: ModuleType, function: Callable[..., Any]) -> Definition:
    declared: Declaration = getattr(function, ATTRIBUTE)
    fields = declared._asdict() | {
        "description": inspect.getdoc(function) or "",
        "schema": _schema(declared, function),
        "module": module.__name__,
        "function": function.__name__,
        "preview": declared.preview and declared.preview.__name__,
    }
    for reason in _complaints(module, function, declared, fields):
        raise BadToolError(tool=ascii(declared.name), reason=reason)
    declaration = canonical.encode(fields | {"sources": sources.digests(module.__name__)})
    return Definition(**fields, declaration=declaration, digest=canonical.digest(declaration))


def _schema(declared: Declaration, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        schema = signatures.schema(function)
        refuse_bad_schema(schema)
    except (signatures.UnusableSignature, PolicyError) as exc:
        raise BadToolError(tool=ascii(declared.name), reason=str(exc)) from exc
    for reason in defaults.complaints(function, schema):
        raise BadToolError(tool=ascii(declared.name), reason=reason)
    return schema


def _complaints(
    module: ModuleType, function: Callable[..., Any], declared: Declaration, fields: dict[str, Any]
) -> Iterator[str]:
    """Yield what a declaration says that cannot be, most telling first."""
    arguments = set(fields["schema"]["properties"])
    named = placeholders(declared.headline)
    if not NAME.fullmatch(declared.name) or "__" in declared.name:
        yield "its name must be words of a-z, 0-9 and _ joined by dots, without a double underscore"
    if len(declared.name.replace(".", "__")) > MAX_NAME_CHARACTERS:
        yield f"its name is longer than {MAX_NAME_CHARACTERS} characters where the model sees it"
    if declared.risk not in ("low", "medium", "high", "critical"):
        yield "its risk must be low, medium, high or critical"
    if not 1 <= declared.timeout_seconds <= MAX_TIMEOUT_SECONDS:
        yield f"its timeout must be 1 to {MAX_TIMEOUT_SECONDS} seconds"
    if not fields["description"]:
        yield "it has no docstring, which is all the model knows of it"
    if declared.headline.strip() == "" or not named <= arguments:
        yield "its headline is empty or names something that is no argument"
    if not set(declared.sensitive_arguments) <= arguments or named & set(declared.sensitive_arguments):
        yield "a sensitive argument does not exist, or stands in the headline for everyone to see"
    if refused := [name for name in declared.environment if not may_be_granted(name)]:
        yield f"its environment names what no tool gets: {', '.join(map(ascii, refused))}"
    if getattr(module, function.__name__, None) is not function:
        yield "its function is not found under its own name in its module"
    if declared.preview and not _is_alike(module, declared.preview, function):
        yield "its preview must be a function of the same module with the same parameters"


def _is_alike(module: ModuleType, preview: Callable[..., Any], function: Callable[..., Any]) -> bool:
    if getattr(module, preview.__name__, None) is not preview:
        return False
    return inspect.signature(preview).parameters == inspect.signature(function).parameters


def _check_reversals(found: dict[str, Definition]) -> None:
    for definition in found.values():
        if definition.reversible_with is not None and definition.reversible_with not in found:
            raise BadToolError(tool=definition.name, reason=f"{definition.reversible_with} undoes it, but is no tool")
