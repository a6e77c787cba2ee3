"""The next policy in a real browser: written, tested, stopped by lint, mended, published by somebody else, compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from policy import allowlist, versions
from policy.models import Rule
from tests.e2e.conftest import PHONE, WIDE
from tests.e2e.watch import Inline, Watch
from tests.factories import PASSWORD, make_tool_version, make_user

pytestmark = pytest.mark.django_db(transaction=True)
POLICY = """
format: 1
note: What the desk begins with.
rules:
  - name: files
    match: {tools: [files.*]}
    review:
      requirements: [{count: 1, groups: [approver]}]
  - name: mail-stays-inside
    match: {tools: [email.send]}
    when:
      - not: {argument: to, quantifier: all_of, operator: email_domain_in, value: [example.com]}
    deny: {message: Mail goes to addresses at example.com only.}
tests:
  - name: reading is asked for
    call: {tool: files.read, arguments: {path: a.txt}}
    expect: {outcome: needs_approval, rules: [files]}
"""
PEOPLE = {"wren": ["change_rule", "add_policyversion"], "finch": ["add_policyversion"], "cleo": ["view_policyversion"]}


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@dataclass(frozen=True)
class Desk:
    """M1 with a policy in force, and the people who make the next one."""

    url: str
    watch: Watch
    new_context: Callable[..., BrowserContext]

    def enter(self, name: str, size: dict[str, Any], *, script: bool = True) -> Page:
        """Return a page of a new browser, in which somebody has signed in and gone to the admin."""
        context = self.new_context(**size, base_url=self.url, java_script_enabled=script)
        self.watch.look_at(context, script=script)
        page = context.new_page()
        page.goto("/accounts/login/?next=/admin/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="The next policy")).to_be_visible()
        return page


@pytest.fixture
def desk(live_server: LiveServer, new_context: Callable[..., BrowserContext]) -> Iterator[Desk]:
    for version in allowlist.sync(["policy.tools.files", "policy.tools.email"]):
        allowlist.enable(version.pk, actor="system:cli")
    versions.publish(POLICY, author=make_user("first"), publisher=make_user("second"))
    for name, permissions in PEOPLE.items():
        person = make_user(name, is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    watch = Watch(live_server.url)
    yield Desk(live_server.url, watch, new_context)
    assert watch.problems == []


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def box(page: Page, row: int, name: str) -> Any:
    return page.locator(f"[name=when-{row}-{name}]")


def condition(page: Page, row: int, argument: str, operator: str, value: str) -> None:
    """Fill in a row, whose boxes appear as the row needs them."""
    box(page, row, "argument").fill(argument)
    box(page, row, "operator").select_option(label=operator)
    box(page, row, "value").fill(value)


def press(page: Page, name: str) -> None:
    with page.expect_event("load"):
        page.locator(".m1-desk").get_by_role("button", name=name, exact=True).click()
    assert fits(page), page.url


def write_a_rule_with_two_conditions(page: Page) -> None:
    """The second names an argument that the tool does not have, as tired people do."""
    page.get_by_role("link", name="Its rules").click()
    page.locator(".object-tools").get_by_role("link", name="Add rule").click()
    page.get_by_label("Name", exact=True).fill("no-long-reports")
    page.get_by_label("Tools", exact=True).fill("files.write")
    condition(page, 0, "path", "is inside", "reports")
    press(page, "Add three more conditions")
    expect(box(page, 0, "value")).to_have_value("reports")
    expect(page.locator(".m1-outline .m1-row")).to_have_count(5)
    condition(page, 1, "contents", "has a length of at least", "1000")
    expect(box(page, 1, "kind")).to_be_hidden()
    page.get_by_label("deny the call", exact=True).check()
    expect(page.get_by_label("Of the groups")).to_be_hidden()
    page.get_by_label("Message").fill("Long reports are written by people.")
    press(page, "Save in the draft")
    expect(page.locator(".messagelist")).to_contain_text("It changes nothing before the draft is published.")


def add_a_test_case_and_run_it(page: Page) -> None:
    page.goto("/admin/policy/ruletest/add/")
    page.get_by_label("Name", exact=True).fill("a short report is fine")
    page.get_by_label("Tool", exact=True).fill("files.write")
    page.get_by_label("Arguments").fill('{"path": "reports/may.txt", "content": "Hello"}')
    page.get_by_label("the call needs approval").check()
    press(page, "Run it")
    expect(page.locator("#report")).to_contain_text("It fails: expected needs_approval, got denied")
    expect(page.locator("#report")).to_contain_text("cannot be judged")
    press(page, "Save in the draft")


def is_stopped_by_lint(page: Page) -> None:
    page.goto("/admin/policy/draft/")
    expect(page.locator(".m1-desk")).to_contain_text("has no argument `contents`")
    press(page, "Publish")
    expect(page.get_by_role("alert")).to_contain_text("cannot be published")
    assert fits(page)


def mend_it(page: Page) -> None:
    page.goto("/admin/policy/draft/")
    page.get_by_role("link", name="rule no-long-reports").click()
    expect(page.locator("#report")).to_contain_text("unknown_argument")
    box(page, 1, "argument").fill("content")
    press(page, "Check")
    expect(page.locator("#report")).to_contain_text("Nothing to find fault with.")
    press(page, "Save in the draft")
    page.goto("/admin/policy/ruletest/run/")
    expect(page.locator(".m1-desk")).to_contain_text("All 2 pass.")


def cannot_publish_it_too(page: Page) -> None:
    page.goto("/admin/policy/draft/")
    expect(page.locator(".m1-desk")).to_contain_text("You wrote a part of this draft")
    expect(page.get_by_role("button", name="Publish", exact=True)).to_have_count(0)


def publish(page: Page) -> None:
    page.get_by_role("link", name="The draft").click()
    expect(page.locator(".m1-piece").first).to_contain_text("no-long-reports")
    page.get_by_label("Note for those who read this version later").fill("Asked for by the auditors.")
    press(page, "Publish")
    expect(page.locator(".messagelist")).to_contain_text("Policy 2 is in force now.")


def compare(page: Page) -> None:
    page.get_by_role("link", name="Compare two versions").click()
    page.get_by_label("From").select_option("1")
    page.get_by_label("to", exact=True).select_option("2")
    press(page, "Compare")
    added = page.locator(".m1-piece", has_text="no-long-reports").first
    expect(added).to_contain_text("added")
    expect(added).to_contain_text('`path` is inside "reports" and `content` has a length of at least 1000')
    added.locator("summary").click()
    expect(added.locator(".m1-new", has_text="argument: content")).to_be_visible()


@pytest.mark.parametrize(("size", "script"), [(WIDE, True), (PHONE, False)], ids=["wide", "phone without script"])
def test_a_policy_from_the_first_word_to_the_auditor(desk: Desk, size: dict[str, Any], script: bool) -> None:
    desk.watch.expected.add("409")  # what lint refuses
    wren, finch, cleo = (desk.enter(name, size, script=script) for name in PEOPLE)
    write_a_rule_with_two_conditions(wren)
    add_a_test_case_and_run_it(wren)
    is_stopped_by_lint(finch)
    mend_it(wren)
    cannot_publish_it_too(wren)
    finch.goto("/admin/")
    publish(finch)
    compare(cleo)
    newest = versions.active()
    assert newest and (newest.number, newest.author.username, newest.publisher.username) == (2, "wren", "finch")


def test_every_page_of_the_desk_keeps_the_strict_policy_and_fits_a_phone(desk: Desk) -> None:
    make_tool_version("files.write", state="disabled", risk="high")
    page = desk.enter("wren", PHONE)
    page.goto("/admin/policy/draft/")
    row, version = Rule.objects.get(name="mail-stays-inside"), versions.active()
    assert version
    for path in (
        "", "policy/draft/", "policy/draft/reset/", "policy/rule/", "policy/rule/add/", f"policy/rule/{row.pk}/change/",
        f"policy/rule/{row.pk}/delete/", "policy/ruletest/", "policy/ruletest/add/", "policy/ruletest/run/",
        "policy/policyversion/", f"policy/policyversion/{version.pk}/change/", "policy/replay/?days=30",
        "policy/policyversion/diff/?from=1&to=draft",
    ):  # fmt: skip
        answer = page.goto(f"/admin/{path}")
        assert answer and answer.status == 200, path
        assert Inline(answer.text()).found == [], path
        assert fits(page), path


def test_the_keyboard_is_enough_and_enter_saves_nothing(desk: Desk) -> None:
    page = desk.enter("wren", WIDE)
    page.goto("/admin/policy/rule/add/")
    page.get_by_label("Name", exact=True).fill("by-keyboard")
    page.get_by_label("Name", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Something is not right yet")
    expect(page.get_by_label("Name", exact=True)).to_have_value("by-keyboard")
    box(page, 0, "what").select_option("any")
    expect(box(page, 0, "argument")).to_be_hidden()
    box(page, 1, "indent").select_option("1")
    left = [box(page, row, "indent").bounding_box() for row in (0, 1)]
    assert left[0] and left[1] and left[1]["x"] > left[0]["x"]
    assert not Rule.objects.filter(name="by-keyboard").exists()
