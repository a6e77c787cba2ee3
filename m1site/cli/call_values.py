"""Arguments at a terminal: every one, verbatim, its size, what is odd about it; what M1 sent is digested anew."""

from collections.abc import Mapping
from typing import Any

from agents.views import bodies
from agents.views.bodies import Value
from audit import canonical
from audit.errors import M1Error
from m1site.cli import layout
from m1site.cli.oddities import oddities
from m1site.cli.sheet import Sheet
from policy.reveal import reveal

UNREADABLE = "You may not read the arguments, or they are no JSON object."


def add(sheet: Sheet, call: Mapping[str, Any]) -> None:
    """Add the arguments and their digest."""
    arguments = call["arguments"]
    sheet.fact("digest", call["argumentsDigest"])
    if not isinstance(arguments, dict):
        sheet.warn(UNREADABLE)
        return
    hidden, data = masked(call), canonical.encode(arguments)
    if not is_as_digested(call):
        sheet.warn("These arguments do not have this digest: do not trust what you see here.")
    some = ", some hidden" if hidden else ", digested again here: it is the same" if is_as_digested(call) else ""
    sheet.fact("arguments", f"{len(arguments)}, {len(data):,} bytes{some}")
    for value in bodies.read(data, sensitive=hidden, may_view=True).values:
        _value(sheet, value, arguments[value.name])


def masked(call: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the arguments that REST shows to nobody."""
    declared = (call["promises"] or {}).get("sensitiveArguments", ())
    return frozenset(name for name in declared if name in call["arguments"])


def is_as_digested(call: Mapping[str, Any]) -> bool:
    """Tell whether the arguments have the digest that an answer would name; as far as they are not hidden."""
    if not isinstance(call["arguments"], dict) or masked(call):
        return True
    try:
        return canonical.digest(canonical.encode(call["arguments"])) == str(call["argumentsDigest"])
    except M1Error:
        return False


def _value(sheet: Sheet, value: Value, given: Any) -> None:
    name = reveal(value.name, one_line=True)
    if value.is_sensitive:
        sheet.say(f"{name}: hidden here, {given['bytes']:,} bytes")
        return
    lines = value.text.count("\n") + 1
    size = f"{value.kind}, {value.bytes:,} byte{'s' * (value.bytes != 1)}" + (f", {lines:,} lines" if lines > 1 else "")
    sheet.say(f"{name}: {size}", "bold")
    for line in dict.fromkeys(line for text in value.items or (value.text,) for line in oddities(text)):
        sheet.warn(f"{name}: {line}")
    sheet.add(name, _rows(value, sheet.width), "arguments", is_long=value.is_long)


def _rows(value: Value, width: int) -> list[str]:
    if not value.items:
        return list(layout.boxed(value.text, width))
    marks = [f"{number:>2} " for number in range(1, len(value.items) + 1)]
    return [row for mark, item in zip(marks, value.items, strict=True) for row in layout.boxed(item, width, mark=mark)]
