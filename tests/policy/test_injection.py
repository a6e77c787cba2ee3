"""Texts that would like to be a template, a format or code: everywhere in a policy they stay what they are."""

from dataclasses import replace
from typing import Any, cast

import pytest

from m1site.accounts.models import User
from policy import documents, drafts, lint, sentences, versions, yaml_text
from policy.differences import differences
from policy.engine import evaluate
from policy.errors import DocumentError
from policy.models import PolicyVersion, Rule, RuleTest
from tests.agents.pages import client_of, text_of
from tests.factories import make_tool_version, make_user
from tests.policy.test_engine import CALL

ODD = [
    "{{ 7*7 }}", "{% now 'Y' %}", "{{ request.user }}", "{0.__class__.__mro__}", "{rule} {field} {problem}",
    "%(name)s %s %n", "${7*7} #{7*7} <%= 7*7 %>", "__import__('os').system('x')", "<script>alert(1)</script>",
    "'; DROP TABLE x; --",
]  # fmt: skip
TEXT = " ".join(ODD)
GROUP = "{{ 7*7 }} {rule} %s"
WRITTEN: dict[str, Any] = {
    "format": 1,
    "note": TEXT,
    "rules": [
        {"name": "asks", "description": TEXT, "match": {"tools": ["files.delete"]},
         "review": {"requirements": [{"count": 1, "groups": [GROUP]}], "open_minutes": 60,
                    "escalate": {"after_minutes": 30, "groups": [f"{GROUP}!"]}}},
        {"name": "denies", "description": TEXT, "match": {"tools": ["files.delete"], "environments": [GROUP, "live"]},
         "when": [{"argument": "path", "operator": "equals", "value": TEXT}], "deny": {"message": TEXT}},
    ],
    "tests": [{"name": TEXT[:200], "expect": {"outcome": "needs_approval"},
               "call": {"tool": "files.delete", "arguments": {"path": TEXT}, "environment": GROUP}}],
}  # fmt: skip
PATH = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
}


def test_a_verdict_says_them_letter_by_letter() -> None:
    document = documents.from_value(WRITTEN)
    denied = evaluate(replace(CALL, arguments={"path": TEXT}), document.compiled())
    (reason,) = denied.reasons
    assert reason.sentence.startswith(f"{TEXT} (Rule denies denies: `path` is ")
    assert '"{{ 7*7 }} {% now ' in reason.sentence
    asked = evaluate(CALL, document.compiled())
    assert sentences.verdict(asked).startswith(
        f"Needs approval by 1 member of {GROUP}. After 30 minutes members of {GROUP}! may approve in their place."
    )


def test_documents_differences_findings_and_failures_carry_them_letter_by_letter() -> None:
    document = documents.from_value(WRITTEN)
    assert documents.load(documents.dump(document)) == document
    added = {one.name: one for one in differences(documents.Document(()), document)}
    assert TEXT in added["denies"].sentence_after and added[""].after == TEXT
    (failure,) = documents.run_tests(document)
    assert failure.case == TEXT[:200] and TEXT in failure.verdict.reasons[0].sentence
    found = lint.findings(document, {"files.delete": {**PATH, "properties": {"path": {"enum": ["a"]}}}})
    assert any("{{ 7*7 }} {% now " in one.problem for one in found)


@pytest.mark.parametrize("odd", ODD)
def test_a_field_of_that_name_is_refused_by_that_name(odd: str) -> None:
    with pytest.raises(DocumentError) as refused:
        documents.load(yaml_text.write({**WRITTEN, odd: 1}))
    (told,) = cast("list[dict[str, str]]", refused.value.facts["problems"])
    assert (told["field"], told["problem"].partition(";")[0]) == (odd, "is not a field here")
    assert odd in str(refused.value)


@pytest.mark.django_db
def test_the_pages_of_the_policy_show_them_letter_by_letter() -> None:
    make_tool_version("files.delete", schema=PATH)
    passing = {**WRITTEN, "tests": [{**WRITTEN["tests"][0], "expect": {"outcome": "denied"}}]}
    versions.publish(yaml_text.write(passing), author=make_user("first"), publisher=make_user("second"), note=TEXT)
    drafts.apply(yaml_text.write(WRITTEN), editor=User.objects.get(username="first"))
    desk = client_of(User.objects.create_superuser("root", password="x" * 20))
    addresses = [f"/admin/policy/{name}/" for name in ("draft", "rule", "ruletest", "ruletest/run", "policyversion")]
    addresses += [f"/admin/policy/rule/{row.pk}/change/" for row in Rule.objects.all()]
    addresses += [f"/admin/policy/ruletest/{RuleTest.objects.get().pk}/change/"]
    addresses += [
        f"/admin/policy/policyversion/{PolicyVersion.objects.get().pk}/change/",
        "/admin/policy/policyversion/diff/?from=1&to=draft",
    ]
    for address in addresses:
        answer = desk.get(address)
        assert answer.status_code == 200, address
        assert "{{ 7*7 }}" in text_of(answer), address
        assert "<script>alert(1)" not in answer.content.decode(), address
