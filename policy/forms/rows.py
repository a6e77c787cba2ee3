"""Numbered rows of a form, `when-0-argument`: out of what a browser sent, and moved about without script."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Data: TypeAlias = Mapping[str, str]
ADDED = 3
_ORDER = re.compile(r"(insert|remove|up|down):([0-9]{1,3})|add")


def read(data: Data, prefix: str, names: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows in their order, each as texts by name."""
    number = re.compile(rf"{re.escape(prefix)}-([0-9]{{1,3}})-[a-z_]+")
    found = {int(match[1]) for name in data if (match := number.fullmatch(name))}
    return [{name: data.get(f"{prefix}-{row}-{name}", "") for name in names} for row in sorted(found)]


def ordered(rows: Sequence[Data], order: str, blank: Data) -> list[Data]:
    """Return the rows after an order of a button: `insert:2` (a blank one below), `remove:2`, `up:2`, `down:2`, `add`.

    What is not an order, or names a row that is not there, changes nothing.
    """
    changed = list(rows)
    found = _ORDER.fullmatch(order)
    if found and not found[1]:
        return [*changed, *([blank] * ADDED)]
    if not found or int(found[2]) >= len(changed):
        return changed
    act, number = found[1], int(found[2])
    if act == "insert":
        changed.insert(number + 1, {**blank, "indent": rows[number].get("indent", "0")} if "indent" in blank else blank)
    else:
        row = changed.pop(number)
        if act != "remove":
            changed.insert(max(0, number - 1) if act == "up" else number + 1, row)
    return changed
