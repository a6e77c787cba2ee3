"""One value of a rule, read strictly: a text, a finite number, true or false, or a typed text."""

from audit.canonical import JSON
from policy.errors import UnjudgedError
from policy.operators import kinds
from policy.operators.kinds import Scalar, Typed
from policy.reading import Path, mapping, text, wrong

MAX_SAFE = 2**53 - 1  # RFC 8785: beyond it canonical JSON has no exact form
MAX_TEXT = 2_000


def scalar(raw: JSON, path: Path) -> Scalar:
    """Return one value of a rule: a text, a finite number, true or false, or a typed text."""
    if raw is None:
        raise wrong(path, "says nothing; for an absent or null argument use is_absent")
    value = _typed(raw, path) if isinstance(raw, dict) else raw
    if isinstance(value, list):
        raise wrong(path, "must be one value, not a list; use in, or a quantifier")
    if isinstance(value, str):
        text(value, path, most=MAX_TEXT)
    if isinstance(value, int | float) and not abs(value) <= MAX_SAFE:
        raise wrong(path, f"must be a number between -{MAX_SAFE} and {MAX_SAFE}; for more use {{decimal: ...}}")
    try:
        kinds.comparable(value)
    except UnjudgedError as exc:
        raise wrong(path, exc.problem) from None
    return value


def _typed(raw: dict[str, JSON], path: Path) -> Typed:
    known = mapping(raw, path, (), kinds.TYPED)
    if len(known) != 1:
        raise wrong(path, f"must have exactly one of {', '.join(sorted(kinds.TYPED))}")
    (kind, written), *_ = known.items()
    return Typed(kind, text(written, (*path, kind), most=100))
