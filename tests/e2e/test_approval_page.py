"""What script adds to the approval page, in a real browser under the strict CSP: guards, folds, live parts."""

from collections.abc import Iterator
from unittest import mock

import pytest
from playwright.sync_api import Browser, Page, expect

from agents.models import Decision, ToolCall
from agents.states import Status
from audit import clock
from tests.factories import PASSWORD, make_tool_call, make_user

pytestmark = pytest.mark.django_db(transaction=True)
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.blockedURI));
"""
CLICK_AND_TELL_IF_SENT = "document.querySelector('button.approve').click(), !!document.querySelector('form[data-sent]')"


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


def opened(page: Page, address: str, call: ToolCall) -> Page:
    """Sign ava in and open the page of the call."""
    make_user("ava", "approver")
    page.add_init_script(WATCH)
    page.goto(f"{address}/accounts/login/?next=/approvals/{call.pk}/")
    page.get_by_label("Name").fill("ava")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(call.headline)
    return page


def test_a_click_right_after_a_change_is_ignored_and_a_later_one_counts_once(page: Page, live_server: object) -> None:
    call = make_tool_call()
    opened(page, str(live_server), call)
    page.wait_for_selector("html[data-ready]")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    assert not page.evaluate(CLICK_AND_TELL_IF_SENT)
    page.wait_for_selector("html[data-ready]")
    page.locator("button.approve").dblclick()
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert Decision.objects.filter(call=call).count() == 1
    assert page.evaluate("window.violations") == []


def test_approving_waits_until_every_long_argument_was_opened(page: Page, live_server: object) -> None:
    call = make_tool_call(arguments={"content": "line\n" * 400 + "rm -rf /", "path": "x" * 5_000})
    opened(page, str(live_server), call)
    page.wait_for_selector("html[data-ready]")
    expect(page.get_by_text("Open the long parts above first")).to_be_visible()
    assert not page.evaluate(CLICK_AND_TELL_IF_SENT)
    for button in page.get_by_role("button", name="Show all").all()[::-1]:
        button.click()
    page.locator("button.approve").click()
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert Decision.objects.filter(call=call).count() == 1


def test_the_buttons_give_way_by_themselves_and_half_written_words_stay(page: Page, live_server: object) -> None:
    call = make_tool_call(needed=2)
    opened(page, str(live_server), call)
    page.get_by_label("Comment").fill("I am still thinking")
    page.get_by_label("Comment").focus()
    ToolCall.objects.filter(pk=call.pk).update(risk="high")
    expect(page.get_by_text("High risk")).to_be_visible(timeout=10_000)
    expect(page.get_by_label("Comment")).to_have_value("I am still thinking")
    expect(page.get_by_label("Comment")).to_be_focused()
    ToolCall.objects.filter(pk=call.pk).update(status=Status.EXPIRED, ended_at=clock.now())
    expect(page.get_by_role("heading", name="Decided")).to_be_visible(timeout=10_000)
    expect(page.locator("button.approve")).to_have_count(0)
    assert page.evaluate("window.violations") == []


def test_everything_works_without_script(browser: Browser, live_server: object) -> None:
    call = make_tool_call(arguments={"content": "line\n" * 400 + "THE END"})
    with browser.new_context(java_script_enabled=False) as context:
        page = opened(context.new_page(), str(live_server), call)
        expect(page.get_by_text("THE END").first).to_be_visible()
        page.get_by_text("Reject…").click()
        page.get_by_label("Suspicious arguments").check()
        page.get_by_role("button", name="Reject", exact=True).click()
        expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    call.refresh_from_db()
    assert (call.status, call.note) == (Status.REJECTED, "Suspicious arguments")
