"""The desk of policy authors: who may what, nothing saved by looking, nothing typed lost, four eyes at publishing."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.canonical import encode
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy import documents, drafts, versions
from policy.forms.lists import lines
from policy.models import Draft, PolicyCheck, PolicyVersion, Rule, RuleTest
from policy.yaml_text import MAX_BYTES
from tests.agents.pages import client_of
from tests.agents.pages import text_of as text_with_gaps
from tests.factories import make_tool_call, make_tool_version, make_user

pytestmark = pytest.mark.django_db
RULES, TESTS, DRAFT, VERSIONS = (f"/admin/policy/{name}/" for name in ("rule", "ruletest", "draft", "policyversion"))
POLICY = """
format: 1
note: For tests.
rules:
  - name: pay
    match: {tools: [pay.send]}
    review:
      requirements: [{count: 1, groups: [approver]}]
  - name: archive-stays
    match: {tools: [files.delete]}
    when:
      - any:
          - {argument: path, operator: path_inside, value: archive}
          - not: {argument: path, operator: starts_with, value: "drafts, "}
    deny: {message: "<b>Kept</b>."}
  - name: delete
    match: {tools: [files.delete]}
    review:
      requirements: [{count: 2, groups: [approver, "legal, finance"]}]
      sign_in_minutes: 90
tests:
  - name: the archive stays
    call: {tool: files.delete, arguments: {path: archive/2019.txt}}
    expect: {outcome: denied, rules: [archive-stays, delete]}
"""
CLOSED = {"type": "object", "additionalProperties": False}
PATH = CLOSED | {"properties": {"path": {"type": "string"}}, "required": ["path"]}
PAY = CLOSED | {"properties": {"amount": {"type": "number"}}, "required": ["amount"]}


def someone(name: str, *permissions: str) -> User:
    """Return a person of the staff with these permissions of the policy app."""
    person = make_user(name, is_staff=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions, content_type__app_label="policy"))
    return person


@pytest.fixture
def author() -> User:
    return someone("wren", "change_rule")


@pytest.fixture
def desk(author: User) -> Client:
    """The author's browser, with a policy in force."""
    for name, schema in (("files.delete", PATH), ("pay.send", PAY)):
        make_tool_version(name, schema=schema)
    versions.publish(POLICY, author=make_user("first"), publisher=make_user("second"), note="The first.")
    return client_of(author)


def text_of(answer: Any) -> str:
    """Return what stands on the page, with one space where there are several."""
    return " ".join(text_with_gaps(answer).split())


def rule_page(name: str) -> str:
    return f"{RULES}{Rule.objects.get(name=name).pk}/change/"


class Boxes(HTMLParser):
    """What a browser sends for the form of a page as it is: every box by name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._select = self._textarea = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = given["name"]
        elif tag == "textarea":
            self._textarea = given["name"]
            self.sent[self._textarea] = ""
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.sent):
            self.sent[self._select] = given["value"]
        elif tag == "input" and given.get("name") and self._is_sent(given):
            self.sent[given["name"]] = given.get("value", "on" if given.get("type") == "checkbox" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.sent[self._textarea] = "\r\n".join(lines(self.sent[self._textarea].removeprefix("\n")))
        if tag in ("select", "textarea"):
            self._select = self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.sent[self._textarea] += data

    @staticmethod
    def _is_sent(given: dict[str, str]) -> bool:
        return given.get("type") not in ("checkbox", "radio", "file") or "checked" in given


def boxes(client: Client, address: str) -> dict[str, str]:
    """Return what a browser sends for the form on a page, without the box for signing out."""
    return Boxes(client.get(address).content.decode()).sent


def test_every_rule_and_test_case_comes_through_its_page_unchanged(desk: Client) -> None:
    drafts.read()
    before = drafts.text()
    for model, path in ((Rule, RULES), (RuleTest, TESTS)):
        for row in model._default_manager.all():
            address = f"{path}{row.pk}/change/"
            assert desk.post(address, boxes(desk, address) | {"do": "save"}).status_code == 302
    assert (drafts.text(), drafts.read().editors.count()) == (before, 0), "what changes nothing is no edit"


def test_an_author_adds_changes_and_takes_out_a_rule(desk: Client, author: User) -> None:
    new = boxes(desk, f"{RULES}add/") | {
        "name": "big-payments", "tools": "pay.send", "effect": "deny", "message": "Too much.",
        "when-0-argument": "amount", "when-0-operator": "greater_than", "when-0-value": "100",
    }  # fmt: skip
    checked = desk.post(f"{RULES}add/", new | {"do": "check"})
    assert "When a call of pay.send is proposed and `amount` is above 100" in text_of(checked)
    assert not Rule.objects.filter(name="big-payments").exists()
    assert desk.post(f"{RULES}add/", new | {"do": "save"}).headers["Location"] == RULES
    row = Rule.objects.get(name="big-payments")
    assert row.value["when"] == [{"argument": "amount", "operator": "greater_than", "value": 100}]
    assert row.author == author

    page = rule_page("big-payments")
    renamed = boxes(desk, page) | {"name": "huge-payments", "when-0-value": "1000"}
    assert desk.post(page, renamed | {"do": "stay"}).headers["Location"] == page
    assert Rule.objects.get(pk=row.pk).value["when"][0]["value"] == 1000
    asked = boxes(desk, f"{RULES}{row.pk}/delete/")
    assert desk.post(f"{RULES}{row.pk}/delete/", asked).status_code == 302
    assert not Rule.objects.filter(name="huge-payments").exists()
    assert AuditEvent.objects.filter(action="policy.draft_changed", actor=f"user:{author.pk}").count() == 3


def test_a_rule_that_a_test_case_expects_is_not_taken_out_and_the_page_says_why(desk: Client) -> None:
    drafts.read()
    address = f"{RULES}{Rule.objects.get(name='delete').pk}/delete/"
    answer = desk.post(address, boxes(desk, address))
    assert 'The test case "the archive stays" expects the rule delete' in text_of(answer)
    assert Rule.objects.filter(name="delete").exists()


def test_buttons_move_rows_and_keep_what_is_typed(desk: Client) -> None:
    drafts.read()
    page = rule_page("archive-stays")
    typed = boxes(desk, page) | {"name": "Half written", "when-1-value": "not, done\r\nyet"}
    after = Boxes(desk.post(page, typed | {"do": "when:insert:0"}).content.decode()).sent
    assert (after["name"], after["when-1-argument"], after["when-2-value"]) == ("Half written", "", "not, done\r\nyet")
    after = Boxes(desk.post(page, after | {"do": "when:add"}).content.decode()).sent
    assert "when-8-argument" in after and after["when-2-value"] == "not, done\r\nyet"
    assert Rule.objects.get(name="archive-stays").value["when"][0]["any"][0]["value"] == "archive"


def test_what_is_wrong_stands_at_its_box_and_nothing_is_saved(desk: Client) -> None:
    drafts.read()
    page = rule_page("archive-stays")
    answer = desk.post(page, boxes(desk, page) | {"when-1-value": "../up", "tools": "pay.send, Pay", "do": "save"})
    html = answer.content.decode()
    assert 'id="id_tools_error"' in html and 'id="id_when-1-value_error"' in html
    assert drafts.read().editors.count() == 0


def test_a_long_draft_is_looked_through_only_when_somebody_asks(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts.read()
    monkeypatch.setattr("policy.admin.reports.MOST_AT_ONCE", 2)
    page = rule_page("delete")
    assert "see the draft" in text_of(desk.get(RULES)) and desk.get(TESTS).status_code == 200
    assert "press Check to have it looked through" in text_of(desk.get(page))
    assert "Nothing to find fault with" in text_of(desk.post(page, boxes(desk, page) | {"do": "check"}))


def test_a_rule_with_more_rows_than_a_form_carries_is_shown_and_left_to_yaml(desk: Client, author: User) -> None:
    leaf: dict[str, Any] = {"argument": "path", "operator": "is_present"}
    deep = {"any": [{"all": [{"any": [leaf]}]}]}
    rule = {"name": "deep", "match": {"tools": ["files.delete"]}, "when": [deep] * 30, "deny": {"message": "No."}}
    drafts.save_rule(rule, editor=author)
    page = desk.get(rule_page("deep"))
    assert "more rows than a form can carry" in text_of(page) and "Save in the draft" not in text_of(page)


def test_a_name_that_is_taken_is_told_at_the_name(desk: Client) -> None:
    drafts.read()
    page = rule_page("pay")
    answer = desk.post(page, boxes(desk, page) | {"name": "delete", "do": "save"})
    assert 'id="id_name_error"' in answer.content.decode() and "another rule of the draft" in text_of(answer)


def test_the_page_says_what_a_pattern_covers_what_lint_finds_and_which_test_cases_fail(desk: Client) -> None:
    drafts.read()
    page = rule_page("archive-stays")
    changed = boxes(desk, page) | {"tools": "*", "when-1-operator": "equals", "when-1-value": "x", "do": "check"}
    said = text_of(desk.post(page, changed))
    assert "It looks at calls of files.delete ." in said
    assert "pay.send , which has no argument path" in said
    page = rule_page("delete")
    said = text_of(desk.post(page, boxes(desk, page) | {"tools": "pay.send", "do": "check"}))
    assert "Test cases that fail with it" in said and "expected the rules archive-stays, delete" in said


def test_a_stale_form_is_told_who_was_faster_and_keeps_what_was_typed(desk: Client) -> None:
    drafts.read()
    page = rule_page("pay")
    typed = boxes(desk, page) | {"description": "Mine.", "do": "save"}
    faster = make_user("robin")
    value: dict[str, Any] = {**Rule.objects.get(name="pay").value, "description": "Theirs."}
    drafts.save_rule(value, editor=faster, was="pay")
    answer = desk.post(page, typed)
    assert answer.status_code == 409
    assert "robin edited it last" in text_of(answer) and "What you edit was changed too" in text_of(answer)
    again = Boxes(answer.content.decode()).sent
    assert again["description"] == "Mine." and Rule.objects.get(name="pay").value["description"] == "Theirs."
    assert desk.post(page, again | {"do": "save"}).status_code == 302
    assert Rule.objects.get(name="pay").value["description"] == "Mine."


def test_a_stale_form_says_so_when_only_something_else_changed_and_when_the_rule_is_gone(desk: Client) -> None:
    drafts.read()
    page = rule_page("pay")
    typed = boxes(desk, page) | {"description": "Mine.", "do": "save"}
    drafts.set_note("Another.", editor=make_user("robin"))
    assert "still as you opened it" in text_of(desk.post(page, typed))
    drafts.delete_rule("pay", editor=make_user("lark"))
    answer = desk.post(page, typed)
    assert answer.status_code == 409 and "has been taken out of the draft meanwhile" in text_of(answer)
    assert desk.post(page, Boxes(answer.content.decode()).sent | {"do": "save"}).status_code == 302
    assert Rule.objects.get(name="pay").value["description"] == "Mine."


def test_a_test_case_is_run_before_it_is_saved(desk: Client) -> None:
    new = boxes(desk, f"{TESTS}add/") | {
        "name": "drafts too", "tool": "files.delete", "arguments": '{"path": "archive/a"}', "outcome": "needs_approval"
    }  # fmt: skip
    answer = text_of(desk.post(f"{TESTS}add/", new | {"do": "check"}))
    assert "It fails: expected needs_approval, got denied" in answer and "Denied. " in answer
    right = new | {"outcome": "denied", "with_rules": "on", "rules": "archive-stays, nowhere"}
    assert "names the rule" in text_of(desk.post(f"{TESTS}add/", right | {"do": "save"}))
    assert desk.post(f"{TESTS}add/", right | {"rules": "archive-stays, delete", "do": "save"}).status_code == 302
    assert "All 2 pass" in text_of(desk.get(f"{TESTS}run/"))
    drafts.delete_test("drafts too", editor=make_user("robin"))
    drafts.save_rule(
        {"name": "archive-stays", "match": {"tools": ["pay.send"]}, "deny": {"message": "No."}},
        editor=make_user("lark"), was="archive-stays",
    )  # fmt: skip
    assert "1 of 1 fail" in text_of(desk.get(f"{TESTS}run/"))


def test_four_eyes_at_publishing(desk: Client, author: User, settings: Any) -> None:
    settings.M1_POLICY_FOUR_EYES = True
    drafts.set_note("Better.", editor=author)
    page = text_of(desk.get(DRAFT))
    assert "that takes the permission to add policy versions" in page
    author.user_permissions.add(Permission.objects.get(codename="add_policyversion"))
    desk = client_of(User.objects.get(pk=author.pk))
    assert "You wrote a part of this draft" in text_of(desk.get(DRAFT))
    other = client_of(someone("finch", "add_policyversion"))
    refused = desk.post(f"{DRAFT}publish/", boxes(desk, DRAFT) | {"note": "Typed."})
    assert refused.status_code == 403 and "another person must: finch" in text_of(refused)
    stale = other.post(f"{DRAFT}publish/", {"revision": "1", "note": "Read it."})
    assert stale.status_code == 409 and "last edited by wren" in text_of(stale)
    assert other.post(f"{DRAFT}publish/", Boxes(stale.content.decode()).sent).status_code == 302
    newest = PolicyVersion.objects.get(number=2)
    assert (newest.author, newest.publisher.username, newest.note) == (author, "finch", "Read it.")


def test_a_warning_stops_publishing_until_it_is_overridden_with_a_reason(desk: Client, author: User) -> None:
    make_tool_version("files.read", schema=PATH)
    drafts.set_note("Better.", editor=author)
    other = client_of(someone("finch", "add_policyversion"))
    sent = {"revision": boxes(other, DRAFT)["revision"], "note": ""}
    refused = other.post(f"{DRAFT}publish/", sent)
    assert refused.status_code == 409 and "no rule looks at it" in text_of(refused)
    assert other.post(f"{DRAFT}publish/", sent | {"override": "It comes next week."}).status_code == 302
    page = f"{VERSIONS}{PolicyVersion.objects.get(number=2).pk}/change/"
    assert "It comes next week." in text_of(other.get(page)) and "tool files.read" in text_of(other.get(page))
    assert AuditEvent.objects.filter(action="policy.finding_overridden").count() == 1


def test_a_failing_test_case_cannot_be_overridden(desk: Client, author: User) -> None:
    value = {"name": "wrong", "call": {"tool": "pay.send", "arguments": {"amount": 1}}, "expect": {"outcome": "denied"}}
    drafts.save_test(value, editor=author)
    other = client_of(someone("finch", "add_policyversion"))
    assert "1 failing test case must be mended first" in text_of(other.get(DRAFT))
    sent = {"revision": boxes(other, DRAFT)["revision"], "note": "", "override": "I know."}
    assert other.post(f"{DRAFT}publish/", sent).status_code == 409
    assert PolicyVersion.objects.count() == 1


def test_yaml_goes_out_and_comes_in_and_a_bad_one_names_every_line(desk: Client) -> None:
    assert desk.get(f"{DRAFT}export/").content.decode() == POLICY
    version = PolicyVersion.objects.get()
    exported = desk.get(f"{VERSIONS}{version.pk}/export/")
    assert exported.content.decode() == POLICY and "policy-1.yaml" in exported.headers["Content-Disposition"]
    revision = boxes(desk, DRAFT)["revision"]
    bad = POLICY.replace("path_inside", "path_insid").replace("count: 2", "count: 0")
    refused = desk.post(f"{DRAFT}apply/", {"revision": revision, "text": bad})
    assert refused.status_code == 400 and "Line 13" in text_of(refused) and "Line 19" in text_of(refused)
    assert "path_insid}" in refused.content.decode() or "path_insid," in refused.content.decode()
    file = SimpleUploadedFile("p.yaml", POLICY.replace("For tests", "From a file").encode("utf-8-sig"))
    assert desk.post(f"{DRAFT}apply/", {"revision": revision, "file": file}).status_code == 302
    assert drafts.read().note == "From a file."
    pasted = POLICY.replace("For tests", "Pasted").replace("\n", "\r\n")
    assert desk.post(f"{DRAFT}apply/", {"revision": revision, "text": pasted}).status_code == 409
    assert desk.post(f"{DRAFT}apply/", {"revision": drafts.read().revision, "text": pasted}).status_code == 302
    assert drafts.text() == POLICY.replace("For tests", "Pasted")


@pytest.mark.parametrize(
    ("sent", "words"),
    [({}, "Paste the YAML"), ({"text": "a: 1", "file": b"a: 1"}, "not both"), ({"file": b"\xff"}, "not text in UTF-8"),
     ({"revision": "x", "text": "a: 1"}, "whole number"), ({"text": "a\x00b"}, "Null characters"),
     ({"file": b"#" * (MAX_BYTES + 1)}, "This file is larger than")],
)  # fmt: skip
def test_bad_imports_are_told_at_the_box(desk: Client, sent: dict[str, Any], words: str) -> None:
    data = {"revision": "1"} | {
        name: SimpleUploadedFile("p", value) if isinstance(value, bytes) else value for name, value in sent.items()
    }
    answer = desk.post(f"{DRAFT}apply/", data)
    assert answer.status_code == 400 and words in text_of(answer)


def test_resetting_shows_what_is_lost_first(desk: Client, author: User) -> None:
    drafts.delete_test("the archive stays", editor=author)
    drafts.delete_rule("delete", editor=author)
    shown = desk.get(f"{DRAFT}reset/")
    assert "removed" not in text_of(shown) or "delete" in text_of(shown)
    assert not Rule.objects.filter(name="delete").exists(), "looking gives nothing up"
    assert desk.post(f"{DRAFT}reset/", {"revision": "0"}).status_code == 200
    assert not Rule.objects.filter(name="delete").exists(), "stale"
    assert desk.post(f"{DRAFT}reset/", Boxes(shown.content.decode()).sent).status_code == 302
    assert Rule.objects.filter(name="delete").exists()


def test_two_versions_as_a_difference(desk: Client, author: User) -> None:
    changed = POLICY.replace("count: 2", "count: 3").replace("- name: pay", "- name: payments")
    drafts.apply(changed, editor=author)
    drafts.publish(publisher=make_user("third"))
    said = text_of(desk.get(f"{VERSIONS}diff/?from=1&to=2"))
    for words in ("changed rule delete", "removed rule pay", "added rule payments", "2 members of approver or legal",
                  "3 members of approver or legal", "- - count: 2", "+ - count: 3"):  # fmt: skip
        assert words in said, words
    assert "They say the same" in text_of(desk.get(f"{VERSIONS}diff/?from=2&to=draft"))
    for query in ("from=3&to=1", "from=x&to=1", "from=1&to=99999999999999999999", "from=²&to=1", "from=-1&to=1"):
        assert desk.get(f"{VERSIONS}diff/?{query}").status_code == 404, query


def test_a_verdict_reads_as_sentences_with_the_way_to_the_call_and_the_policy(desk: Client) -> None:
    call = make_tool_call()
    version = PolicyVersion.objects.get()
    verdict = {"reasons": [{"sentence": "<i>No</i>\u202e."}], "matched": ["pay", "delete"]}
    check = PolicyCheck.objects.create(
        request_id=call.pk, phase="claim", tool_name="pay.send", policy_version=version, outcome="denied",
        verdict=verdict, microseconds=42, created_at=call.created_at,
    )  # fmt: skip
    reader = client_of(make_user("root", is_staff=True, is_superuser=True))
    html = reader.get(f"/admin/policy/policycheck/{check.pk}/change/").content.decode()
    assert "&lt;i&gt;No&lt;/i&gt;⟦U+202E⟧." in html and "pay, delete" in html and "42" in html
    assert f"/approvals/{call.pk}/" in html and f"{VERSIONS}{version.pk}/change/" in html


PAGES: list[Callable[[], str]] = [
    lambda: RULES, lambda: TESTS, lambda: DRAFT, lambda: VERSIONS, lambda: f"{TESTS}run/",
    lambda: rule_page("archive-stays"), lambda: f"{TESTS}{RuleTest.objects.get().pk}/change/",
    lambda: f"{VERSIONS}{PolicyVersion.objects.get().pk}/change/", lambda: f"{VERSIONS}diff/",
    lambda: f"{VERSIONS}diff/?from=draft&to=1", lambda: f"{DRAFT}export/", lambda: f"{RULES}?q=x%00",
    lambda: f"{VERSIONS}{PolicyVersion.objects.get().pk}/export/",
]  # fmt: skip
EDITS = (f"{RULES}add/", f"{TESTS}add/", f"{DRAFT}reset/")


@pytest.mark.parametrize("permission", ["change_rule", "add_policyversion", "view_policyversion"])
def test_authors_publishers_and_auditors_read_every_page_and_looking_changes_nothing(
    desk: Client, permission: str
) -> None:
    drafts.read()
    client = client_of(someone("reader", permission))
    before = encode([*Draft.objects.values_list("revision"), *Rule.objects.values_list("body")]), drafts.text()
    for page in PAGES:
        answer = client.get(page())
        assert answer.status_code == 200, page()
        assert b"<b>Kept</b>" not in answer.content or "yaml" in answer.headers["Content-Type"]
    for page in EDITS:
        assert client.get(page).status_code == (200 if permission == "change_rule" else 403), page
    after = encode([*Draft.objects.values_list("revision"), *Rule.objects.values_list("body")]), drafts.text()
    assert before == after and not AuditEvent.objects.filter(action="policy.draft_changed").exists()


def test_nobody_else_sees_or_changes_anything(desk: Client) -> None:
    drafts.read()
    posts = [rule_page("pay"), *EDITS, f"{RULES}{Rule.objects.get(name='pay').pk}/delete/",
             *(f"{DRAFT}{name}/" for name in ("publish", "apply", "note"))]  # fmt: skip
    before = drafts.text()
    stranger = client_of(someone("stranger", "view_policycheck"))
    for page in PAGES:
        assert stranger.get(page()).status_code in (302, 403), page()
    auditor = client_of(someone("auditor", "view_policyversion"))
    for client in (stranger, auditor):
        for address in posts:
            sent = {"revision": "1", "do": "save", "name": "x", "text": POLICY.replace("For", "X"), "note": "x"}
            assert client.post(address, sent).status_code == 403, address
    for address in (f"{DRAFT}publish/", f"{DRAFT}apply/", f"{DRAFT}note/"):
        assert desk.get(address).status_code == 405
    assert drafts.text() == before and PolicyVersion.objects.count() == 1
    assert "Save in the draft" not in auditor.get(rule_page("pay")).content.decode()


def test_a_form_without_its_token_is_refused(desk: Client, author: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(author)
    assert client.post(f"{DRAFT}note/", {"revision": "1", "note": "x"}).status_code == 403


def test_without_any_policy_the_desk_is_empty_and_the_first_rule_can_be_written(author: User) -> None:
    client = client_of(author)
    assert "every call is denied" in text_of(client.get(DRAFT))
    make_tool_version("pay.send", schema=PAY)
    new = boxes(client, f"{RULES}add/") | {
        "name": "pay",
        "tools": "pay.send",
        "need-0-groups": "approver",
        "do": "save",
    }
    assert client.post(f"{RULES}add/", new).status_code == 302
    assert drafts.document().rules[0].name == "pay"
    assert client.get(f"{DRAFT}export/").status_code == 200


def test_the_demo_policy_reads_well_on_every_page(author: User) -> None:
    text = Path("m1site/demo/policy.yaml").read_text()
    drafts.apply(text, editor=author)
    client = client_of(author)
    for row in [*Rule.objects.all(), *RuleTest.objects.all()]:
        address = f"{RULES if isinstance(row, Rule) else TESTS}{row.pk}/change/"
        assert client.post(address, boxes(client, address) | {"do": "save"}).status_code == 302, row.name
    assert drafts.digest(drafts.read()) == documents.digest(documents.load(text))
    assert json.loads(Rule.objects.get(name="delete-files").body)["review"]["requirements"][0]["count"] == 2


@pytest.mark.parametrize(("address", "name"), [(RULES, "archive-stays"), (TESTS, "the archive stays")])
def test_a_draft_that_nobody_has_begun_lists_what_is_in_force(desk: Client, address: str, name: str) -> None:
    assert not Draft.objects.exists()
    assert name in text_of(desk.get(address))
    assert not AuditEvent.objects.filter(action="policy.draft_changed").exists()
