"""The policy language again, slowly and shortly, from the documents' own JSON: what the engine is measured against."""

from typing import Any

from policy.proposal import Proposal

TYPES: dict[str, tuple[type, ...]] = {"at_most": (int, float), "starts_with": (str,)}


class UnclearError(Exception):
    """The condition has no answer for this call."""


def verdict(rules: list[dict[str, Any]], call: Proposal) -> dict[str, Any]:
    matched, unclear = [], False
    for rule in (rule for rule in rules if applies(rule["match"], call)):
        try:
            if all([holds(part, call) for part in rule.get("when", [])]):
                matched.append(rule)
        except UnclearError:
            unclear = True
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
    }


def applies(match: dict[str, Any], call: Proposal) -> bool:
    def fits(name: str, patterns: list[str] | None) -> bool:
        return patterns is None or any(name == p or (p[-1] == "*" and name.startswith(p[:-1])) for p in patterns)

    groups = match.get("requester_groups")
    return (
        fits(call.tool, match["tools"])
        and fits(call.agent, match.get("agents"))
        and fits(call.environment, match.get("environments"))
        and (groups is None or bool(call.requester_groups & set(groups)))
    )


def holds(part: dict[str, Any], call: Proposal) -> bool:
    if "not" in part:
        return not holds(part["not"], call)
    if "all" in part:
        return all([holds(inner, call) for inner in part["all"]])
    if "any" in part:
        return any([holds(inner, call) for inner in part["any"]])
    value: Any = call.arguments.get(part["argument"], call.defaults.get(part["argument"]))
    if part["operator"] in ("is_present", "is_absent"):
        return bool((value is None) == (part["operator"] == "is_absent"))
    quantifier = part.get("quantifier")
    if value is None or (quantifier and value == []):
        if "if_missing" not in part:
            raise UnclearError
        return bool(part["if_missing"] == "match")
    if quantifier and not isinstance(value, list):
        raise UnclearError
    results = [passes(part, item) for item in (value if quantifier else [value])]
    return {"any_of": any(results), "all_of": all(results), "none_of": not any(results), None: results[:1] == [True]}[
        quantifier
    ]


def passes(part: dict[str, Any], seen: Any) -> bool:
    operator, wanted = part["operator"], part["value"]
    sample = wanted[0] if operator == "in" else wanted
    number = isinstance(sample, int | float) and not isinstance(sample, bool)
    if not isinstance(seen, TYPES.get(operator, (int, float) if number else type(sample))):
        raise UnclearError
    if isinstance(seen, bool) and not isinstance(sample, bool):
        raise UnclearError
    if operator == "starts_with":
        return str(seen).startswith(wanted)
    if operator == "in":
        return seen in wanted
    return bool(seen <= wanted if operator == "at_most" else seen == wanted)
