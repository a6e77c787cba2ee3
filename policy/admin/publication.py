"""Whether the draft can be published, by whom, and what stops it: explained before anybody presses the button."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from policy import drafts, sentences
from policy.admin.desk import Account
from policy.fitting import Finding
from policy.models import Draft, Rule, RuleTest

_PAGES: dict[str, tuple[type[Rule] | type[RuleTest], str]] = {
    "rule": (Rule, "admin:policy_rule_change"), "test": (RuleTest, "admin:policy_ruletest_change"),
}  # fmt: skip


def facts(draft: Draft, user: Account) -> dict[str, Any]:
    """Return findings and failures, each with the way to what is to be mended, and why this person may not publish."""
    found = drafts.examine()
    links = {name: _addresses(name) for name in _PAGES}
    errors = [_shown(one, links) for one in found.findings if one.is_error]
    warnings = [_shown(one, links) for one in found.findings if not one.is_error]
    failures = [
        {"case": one.case, "problem": one.problem, "verdict": sentences.verdict(one.verdict),
         "address": links["test"].get(one.case, "")}
        for one in found.failures
    ]  # fmt: skip
    return {
        "errors": errors, "warnings": warnings, "failures": failures, "why_not": why_not(draft, user),
        "four_eyes": settings.M1_POLICY_FOUR_EYES,
    }  # fmt: skip


def why_not(draft: Draft, user: Account) -> str:
    """Return why somebody may not publish the draft, "" if they may."""
    if not user.has_perm(drafts.PUBLISH):
        return "You may not publish policies: that takes the permission to add policy versions."
    if not settings.M1_POLICY_FOUR_EYES:
        return ""
    if draft.editors.filter(pk=user.pk).exists():
        return "You wrote a part of this draft, so somebody else who may publish has to look at it and publish it."
    return ""


def _shown(finding: Finding, links: dict[str, dict[str, str]]) -> dict[str, Any]:
    kind, _, name = finding.where.partition(" ")
    return {"finding": finding, "address": links.get(kind, {}).get(name, "")}


def _addresses(kind: str) -> dict[str, str]:
    model, page = _PAGES[kind]
    return {name: reverse(page, args=[pk]) for pk, name in model._default_manager.values_list("pk", "name")}
