"""What a tool takes for an argument that a call leaves out: the rules read the schema, the function has its own say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from audit import canonical
from audit.errors import NotCanonicalError
from policy.schemas import default_violations

_WAY_OUT = "give it a plain `= value` (a text, a number, true or false, a list, an object or None), or none at all"


def complaints(function: Callable[..., Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield where function and schema disagree: policy would judge one value, and the tool would act on another.

    schema   as `signatures.schema(function)` made it, and sound
    """
    parameters = inspect.signature(function).parameters
    if strange := sorted(set(schema["properties"]) ^ set(parameters)):
        yield f"its schema and its function name different arguments: {', '.join(strange)}"
        return
    for name, parameter in parameters.items():
        if not _agree(parameter, schema["properties"][name], name in schema.get("required", ())):
            yield f"the default of {name!r} is not seen in the schema, so no rule could judge it; {_WAY_OUT}"
    for sentence in default_violations(schema):
        yield f"a default does not satisfy the argument's own schema: {sentence}"


def _agree(parameter: inspect.Parameter, declared: Mapping[str, Any], is_required: bool) -> bool:
    has_default = parameter.default is not inspect.Parameter.empty
    if is_required or not has_default:
        return is_required and not has_default and "default" not in declared
    try:
        own = canonical.encode(parameter.default)
    except NotCanonicalError:
        return False
    return "default" in declared and own == canonical.encode(declared["default"])
