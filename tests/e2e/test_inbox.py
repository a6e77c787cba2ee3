"""The inbox in a real browser: keys, the live list while it is in use, filters, several calls at once."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest import mock

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from agents.models import Decision, ToolCall
from audit import clock
from tests.e2e.conftest import PHONE, WIDE
from tests.e2e.watch import Watch
from tests.factories import PASSWORD, make_agent, make_run, make_tool_call, make_tool_version, make_user

pytestmark = pytest.mark.django_db(transaction=True)
LONG = {"path": "a.txt", "content": "line\n" * 60 + "rm -rf /"}


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def address(live_server: object) -> str:
    return str(live_server)


@pytest.fixture
def watched(address: str) -> Iterator[Watch]:
    watch = Watch(address)
    yield watch
    assert watch.problems == []


@pytest.fixture
def enter(address: str, watched: Watch, new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Return the function that signs ava in, in a new browser, and opens a page."""
    make_user("ava", "approver")

    def entered(path: str = "/", *, script: bool = True, **size: object) -> Page:
        context = new_context(**(size or WIDE), base_url=address, java_script_enabled=script)
        watched.look_at(context, script=script)
        page = context.new_page()
        page.goto(f"/accounts/login/?next={path}")
        page.get_by_label("Name").fill("ava")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        if script and not path.startswith("/batch/"):
            listens(page)
        return page

    return entered


def listens(page: Page) -> None:
    """Wait until the page takes keys."""
    expect(page.locator("[data-keys]:not([hidden])")).to_be_attached()


def make_calls(count: int = 3, **fields: object) -> list[ToolCall]:
    """Make calls that expire one after the other: the first stands on top."""
    until = clock.now() + timedelta(hours=1)
    return [
        make_tool_call(
            arguments={"path": f"{number}.txt"}, headline=f"Write {number}.txt",
            expires_at=until + timedelta(minutes=number), **fields,
        )
        for number in range(count)
    ]  # fmt: skip


def row(page: Page, call: ToolCall) -> Locator:
    return page.locator(f"#call-{call.pk}")


def ready(page: Page) -> None:
    expect(page.locator("html[data-ready]")).to_be_attached()


def refresh(page: Page) -> None:
    """Have the list ask for itself, as it does every few seconds, and wait until it has been answered."""
    with page.expect_response(lambda response: response.request.headers.get("hx-request") == "true"):
        page.evaluate("window.htmx.trigger('.live', 'refresh')")


def test_keys_go_through_the_list_into_a_call_and_on_to_the_next(enter: Callable[..., Page]) -> None:
    first, second, third = make_calls()
    page = enter()
    page.keyboard.press("j")
    expect(row(page, first)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(row(page, third)).to_be_focused()
    page.keyboard.press("k")
    expect(row(page, second)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Write 1.txt")
    ready(page)
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert Decision.objects.get().call_id == second.pk
    ready(page)
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1)).to_have_text("Write 2.txt")
    ready(page)
    page.keyboard.press("n")  # it is left open
    expect(page.get_by_role("heading", level=1)).to_have_text("Write 0.txt")
    ready(page)
    page.keyboard.press("r")
    expect(page.get_by_label("Wrong target")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#reject-fold")).not_to_have_attribute("open", "")
    assert Decision.objects.count() == 1


def test_a_key_approves_nothing_that_was_not_seen_to_its_end(enter: Callable[..., Page]) -> None:
    call = make_tool_call(arguments=LONG | {f"more{number}": "x\n" * 8 for number in range(8)})
    page = enter(f"/approvals/{call.pk}/")
    ready(page)
    page.keyboard.press("a")
    expect(page.locator("#call-what .unfold")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#call-what .unfold")).to_have_count(0)
    ready(page)
    page.keyboard.press("a")
    expect(page.locator("#keys-said")).to_have_text("You had not seen all of it. Read on, and press A again.")
    assert not Decision.objects.exists()
    seen = "document.querySelector('#call-effect').getBoundingClientRect().bottom <= innerHeight"
    while not page.evaluate(seen):
        ready(page)
        assert not Decision.objects.exists()
        page.keyboard.press("a")
    ready(page)
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()


def test_a_dangerous_call_takes_its_name_typed_and_keys_type_into_the_field(enter: Callable[..., Page]) -> None:
    call = make_tool_call(risk="critical", arguments={"path": "a"})
    page = enter(f"/approvals/{call.pk}/")
    ready(page)
    page.keyboard.press("a")
    expect(page.locator("input[name=named]").first).to_be_focused()
    page.keyboard.type("rajn?")
    expect(page.locator("input[name=named]").first).to_have_value("rajn?")
    expect(page.locator("#reject-fold")).not_to_have_attribute("open", "")
    expect(page.locator("#keys-help")).to_be_hidden()
    assert not Decision.objects.exists()


def test_keys_are_told_and_can_be_turned_off_for_good(enter: Callable[..., Page]) -> None:
    first, _ = make_calls(2)
    page = enter()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    switch = page.get_by_role("switch", name="Single keys")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.focus()
    page.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page.locator("#keys-said")).to_have_text("Single keys are off.")
    page.reload()
    listens(page)
    expect(page.get_by_role("switch", name="Single keys")).to_have_attribute("aria-checked", "false")
    page.keyboard.press("j")
    expect(row(page, first)).not_to_be_focused()
    page.goto(f"/approvals/{first.pk}/")
    listens(page)
    ready(page)
    page.keyboard.press("a")
    page.get_by_role("switch", name="Single keys").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Alt+a")
    assert not Decision.objects.exists()


def test_keys_right_after_a_change_decide_nothing(enter: Callable[..., Page]) -> None:
    (call,) = make_calls(1)
    page = enter(f"/approvals/{call.pk}/")
    ready(page)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.keyboard.press("a")
    assert page.locator("form[data-sent]").count() == 0
    assert not Decision.objects.exists()


def test_what_is_under_the_pointer_stays_until_the_pointer_goes(enter: Callable[..., Page]) -> None:
    calls = make_calls()
    page = enter()
    row(page, calls[2]).hover()
    before = row(page, calls[2]).bounding_box()
    ToolCall.objects.filter(pk=calls[0].pk).update(status="expired", ended_at=clock.now())
    refresh(page)
    expect(page.get_by_role("button", name="The list has changed")).to_be_visible()
    assert row(page, calls[2]).bounding_box() == before
    page.mouse.move(5, 5)
    expect(row(page, calls[0])).to_have_count(0)
    expect(page).to_have_title("(2) Inbox · M1")


def test_what_has_the_keyboard_focus_stays_until_somebody_asks_for_the_list(enter: Callable[..., Page]) -> None:
    calls = make_calls()
    page = enter()
    page.keyboard.press("j")
    page.keyboard.press("j")
    before = row(page, calls[1]).bounding_box()
    ToolCall.objects.filter(pk=calls[0].pk).update(status="expired", ended_at=clock.now())
    refresh(page)
    expect(page.get_by_role("button", name="The list has changed")).to_be_visible()
    assert row(page, calls[1]).bounding_box() == before
    expect(row(page, calls[1])).to_be_focused()
    page.keyboard.press("u")
    expect(row(page, calls[0])).to_have_count(0)
    expect(row(page, calls[1])).to_be_focused()


def test_a_new_call_appears_by_itself_and_chosen_ones_stay_chosen(enter: Callable[..., Page]) -> None:
    first, second = make_calls(2)
    page = enter()
    page.locator(f"#pick-{first.pk}").check()
    expect(page.get_by_text("1 chosen")).to_be_visible()
    page.locator(f"#pick-{first.pk}").blur()
    page.mouse.move(5, 5)
    new = make_tool_call(headline="Write something new", risk="critical")
    refresh(page)
    expect(row(page, new)).to_be_visible()
    expect(page.locator(f"#pick-{first.pk}")).to_be_checked()
    expect(page.locator(f"#pick-{second.pk}")).not_to_be_checked()
    expect(page).to_have_title("(3) Inbox · M1")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_list_is_narrowed_and_shown_whole_again(enter: Callable[..., Page], script: bool) -> None:
    red = make_tool_call(run=make_run(agent=make_agent("red")), headline="Write red")
    mails = make_tool_version("email.send")
    for number in range(5):
        make_tool_call(version=mails, headline=f"Send mail {number}", arguments={"to": str(number)})
    page = enter(script=script)
    page.get_by_label("Agent").select_option("red")
    page.get_by_role("button", name="Narrow").click()
    expect(row(page, red)).to_be_visible()
    expect(page.locator(".row")).to_have_count(1)
    page.get_by_label("Risk").select_option("low")
    page.get_by_role("button", name="Narrow").click()
    expect(page.get_by_text("Nothing that waits for you matches.")).to_be_visible()
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator(".row")).to_have_count(6)


@pytest.mark.parametrize(
    ("script", "size"), [(True, WIDE), (False, WIDE), (True, PHONE)], ids=["wide", "no script", "phone"]
)
def test_several_calls_are_chosen_shown_and_decided_at_once(
    enter: Callable[..., Page], script: bool, size: dict[str, object]
) -> None:
    calls = make_calls(3)
    page = enter(script=script, **size)
    for call in calls[:2]:
        page.locator(f"label:has(#pick-{call.pk})").click()
    page.get_by_role("button", name="Decide the chosen together").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Decide 2 calls of files.write")
    for call in calls[:2]:
        expect(page.get_by_text(call.arguments_digest)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth") if script else True
    if script:
        ready(page)
    page.get_by_role("button", name="Approve 2").click()
    expect(page.get_by_text("What became of them")).to_be_visible()
    assert set(Decision.objects.values_list("call_id", flat=True)) == {call.pk for call in calls[:2]}


def test_several_calls_with_long_parts_wait_until_all_were_opened(enter: Callable[..., Page]) -> None:
    calls = [make_tool_call(arguments=LONG | {"path": str(number)}) for number in range(2)]
    page = enter(f"/batch/?call={calls[0].pk}%26call={calls[1].pk}")
    ready(page)
    page.evaluate("document.querySelector('button.approve').click()")
    assert page.locator("form[data-sent]").count() == 0
    for button in page.get_by_role("button", name="Show all").all()[::-1]:
        button.click()
    ready(page)
    page.get_by_role("button", name="Approve 2").click()
    expect(page.get_by_text("What became of them")).to_be_visible()
    assert Decision.objects.count() == 2


def test_the_inbox_fits_a_phone(enter: Callable[..., Page]) -> None:
    make_tool_call(headline="Write " + "averylongname" * 20, risk="critical")
    make_calls(2)
    page = enter(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for target in page.locator(".pick:has(input), .row > a, .narrowing select, .narrowing button").all():
        box = target.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44, target
