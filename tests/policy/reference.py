"""The policy language again, slowly and shortly, from the documents' own JSON: what the engine is measured against."""

from typing import Any

from tests.policy.reference_values import UnclearError, passes


def verdict(rules: list[dict[str, Any]], call: Any) -> dict[str, Any]:
    """Return what the rules, written as documents write them, say of a proposal."""
    return combined(*judged(rules, call))


def combined(matched: list[dict[str, Any]], unclear: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the verdict of the rules that match beside those that cannot be judged."""
    names = sorted({rule["name"] for rule in matched})
    reviews = [rule["review"] for rule in matched if "review" in rule]
    if unclear or not matched or len(reviews) < len(matched):
        return {"outcome": "denied", "matched": names}
    asked = [(frozenset(one["groups"]), one["count"]) for review in reviews for one in review["requirements"]]
    ages = [review["sign_in_minutes"] for review in reviews if review.get("sign_in_minutes")]
    return {
        "outcome": "needs_approval",
        "matched": names,
        "requirements": {groups: max(count for other, count in asked if other == groups) for groups, _ in asked},
        "open_minutes": min(review.get("open_minutes", 1440) for review in reviews),
        "sign_in_minutes": min(ages) if ages else None,
        "allow_self": all(review.get("allow_self", False) for review in reviews),
        "preauthorization": all(review.get("preauthorization", False) for review in reviews),
        "reminders": any(review.get("reminders", True) for review in reviews),
        "escalation": escalation(reviews),
    }


def escalation(reviews: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return who may answer later on: nobody whom a review leaves out, not before the latest, not after the end."""
    first, *others = (review.get("escalate") or {"after_minutes": 0, "groups": []} for review in reviews)
    groups = [group for group in first["groups"] if all(group in other["groups"] for other in others)]
    after = max(one["after_minutes"] for one in (first, *others))
    in_time = all(after < review.get("open_minutes", 1440) for review in reviews)
    return {"after_minutes": after, "groups": sorted(groups)} if groups and in_time else None


def judged(rules: list[dict[str, Any]], call: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rules that match, and those that cannot be judged."""
    matched, unclear = [], []
    for rule in (rule for rule in rules if applies(rule, call)):
        try:
            if all([holds(part, call) for part in rule.get("when", [])]):
                matched.append(rule)
        except UnclearError:
            unclear.append(rule)
    return matched, unclear


def applies(rule: dict[str, Any], call: Any) -> bool:
    def fits(name: str, patterns: list[str] | None) -> bool:
        return patterns is None or any(name == p or (p[-1] == "*" and name.startswith(p[:-1])) for p in patterns)

    match, groups, known = rule["match"], rule["match"].get("requester_groups"), call.shape.argument_names
    return (
        fits(call.tool, match["tools"])
        and fits(call.agent, match.get("agents"))
        and fits(call.environment, match.get("environments"))
        and (groups is None or any(group in call.requester_groups for group in groups))
        and (call.tool in match["tools"] or known is None or named({"all": rule.get("when", [])}) <= known)
    )


def named(part: dict[str, Any]) -> set[str]:
    inner = [part["not"]] if "not" in part else part.get("all", part.get("any", []))
    return {part["argument"].split(".")[0]} if "argument" in part else set().union(*map(named, inner))


def holds(part: dict[str, Any], call: Any) -> bool:
    if "not" in part:
        return not holds(part["not"], call)
    if "all" in part:
        return all([holds(inner, call) for inner in part["all"]])
    if "any" in part:
        return any([holds(inner, call) for inner in part["any"]])
    value = found(part["argument"].split("."), call)
    if part["operator"] in ("is_present", "is_absent"):
        return bool((value is None) == (part["operator"] == "is_absent"))
    quantifier = part.get("quantifier")
    if value is None or (quantifier and value == []):
        if "if_missing" not in part:
            raise UnclearError
        return bool(part["if_missing"] == "match")
    if not quantifier:
        return passes(part["operator"], part["value"], value)
    if not isinstance(value, list):
        raise UnclearError
    results = [passes(part["operator"], part["value"], item) for item in value]
    return {"any_of": any(results), "all_of": all(results), "none_of": not any(results)}[quantifier]


def found(path: list[str], call: Any) -> Any:
    """Return the value at a path, or the default of the schema, which may stand in at any step; else None."""
    value = call.arguments
    for end, step in enumerate(path, 1):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise UnclearError
        value = value[step] if step in value else call.shape.defaults.get(".".join(path[:end]))
    return value
