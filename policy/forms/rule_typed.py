"""A rule of the document as its form has it."""

from collections.abc import Mapping
from typing import Any

from policy.forms import durations
from policy.forms.lists import join_names
from policy.forms.rule import DENY, REVIEW
from policy.rule_fields import MATCH_HINTS, OPEN_MINUTES


def typed(value: Mapping[str, Any]) -> dict[str, str]:
    """Return a rule of the document as a browser sends it, without its rows."""
    said = {"name": str(value.get("name", "")), "description": str(value.get("description", ""))}
    match, review = value.get("match", {}), value.get("review", {})
    said |= {name: join_names(match.get(name, ())) for name in MATCH_HINTS}
    said |= {"effect": REVIEW if "review" in value else DENY, "message": value.get("deny", {}).get("message", "")}
    said |= {name: "on" for name in ("preauthorization", "allow_self") if review.get(name)}
    said |= {"reminders": "on"} if review.get("reminders", True) else {}
    said |= _typed_minutes("open", review.get("open_minutes", OPEN_MINUTES))
    said |= _typed_minutes("sign_in", review.get("sign_in_minutes"))
    later = review.get("escalate") or {}
    said |= _typed_minutes("escalate", later.get("after_minutes"))
    return said | {"escalate_groups": join_names(later.get("groups", ()))}


def _typed_minutes(name: str, minutes: int | None) -> dict[str, str]:
    amount, unit = ("", "minutes") if minutes is None else durations.split(minutes)
    return {f"{name}_amount": str(amount), f"{name}_unit": unit}
