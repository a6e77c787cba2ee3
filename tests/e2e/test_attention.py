"""Looking before deciding, in a real browser: guards on clicks and keys, folds, focus time, the typed name."""

import json
from collections.abc import Iterator
from unittest import mock

import pytest
from playwright.sync_api import Locator, Page, expect

from agents.models import Decision, ToolCall
from tests.agents.pages import path_of
from tests.e2e.conftest import Enter
from tests.factories import decide, make_tool_call, make_tool_version, make_user
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
DIFF = "".join(f"-old {line}\n+new {line}\n" for line in range(20)) + "+rm -rf /"
PREVIEW = json.dumps({"kind": "diff", "summary": "21 lines", "body": DIFF})


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


def ready(page: Page) -> None:
    expect(page.locator("html[data-ready]")).to_be_attached()


def approve(page: Page) -> Locator:
    return page.get_by_role("button", name="Approve", exact=True)


def is_decided(page: Page) -> None:
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()


def refund() -> ToolCall:
    return make_tool_call(version=make_tool_version("payments.refund", risk="critical"))


def test_keys_right_after_a_change_do_nothing_and_words_that_are_typed_stay(world: World, enter: Enter) -> None:
    call = make_tool_call(needed=2)
    ava = enter(world.ava)
    ava.goto(path_of(call))
    ready(ava)
    heard = "window.heard = []; document.addEventListener('keydown', (event) => window.heard.push(event.key))"
    ava.evaluate(heard)
    early = """(keys) => {
      window.dispatchEvent(new Event("focus"));
      const at = document.activeElement;
      return keys.map((key) => !at.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true})));
    }"""
    approve(ava).focus()
    assert ava.evaluate(early, ["Enter", " ", "a", "R"]) == [True] * 4
    assert ava.evaluate(early, ["Tab", "ArrowDown", "Escape"]) == [False] * 3
    assert ava.evaluate("window.heard") == ["Tab", "ArrowDown", "Escape"]
    ava.get_by_label("Comment").focus()
    assert ava.evaluate(early, ["Enter", " ", "a"]) == [False] * 3
    ready(ava)
    approve(ava).press("Enter")
    expect(ava.locator("#call-people")).to_contain_text("ava approved")
    assert Decision.objects.count() == 1


def test_a_key_that_is_held_down_decides_nothing(world: World, enter: Enter) -> None:
    ava = enter(world.ava)
    ava.goto(path_of(make_tool_call()))
    ready(ava)
    approve(ava).focus()
    key = "{key: 'Enter', repeat: true, bubbles: true, cancelable: true}"
    assert ava.evaluate(f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key}))") is False
    assert not Decision.objects.exists()


def test_approving_waits_for_a_long_preview_and_a_text_with_a_gap_and_tells_what_was_opened(
    world: World, enter: Enter
) -> None:
    arguments = {"path": "x", "gap": "fine" + " " * 60 + "rm -rf /", "list": ["a"] * 40}
    call = make_tool_call(arguments=arguments, preview=PREVIEW, preview_state="ready")
    ava = enter(world.ava)
    ava.goto(path_of(call))
    ready(ava)
    expect(ava.locator("#call-what .folded")).to_have_count(2)
    expect(ava.locator("#call-effect .folded")).to_have_count(1)
    expect(ava.get_by_text("Goes on after 60 spaces: read it to its end.")).to_be_visible()
    approve(ava).click(force=True)
    first = ava.get_by_role("button", name="Show all").first
    expect(first).to_be_focused()
    expect(ava.locator("#call-said")).to_have_text("Open the long parts first; they are folded.")
    for button in ava.locator("#call-what").get_by_role("button", name="Show all").all()[::-1]:
        button.click()
    approve(ava).click(force=True)
    expect(ava.locator("#call-effect .unfold")).to_be_focused()  # what is left is the preview
    assert not Decision.objects.exists()
    ava.locator("#call-effect").get_by_role("button", name="Show all").click()
    decide(call, make_user("sam2", "approver"))  # a live update comes, and folds nothing again
    expect(ava.locator("#call-people")).to_contain_text("sam2 approved")
    expect(ava.locator(".folded")).to_have_count(0)
    ava.get_by_text("Digest and raw JSON").click()
    ready(ava)
    approve(ava).click()
    is_decided(ava)
    row = Decision.objects.get(person=world.ava)
    assert row.expanded == ["arguments", "preview", "raw"]
    assert row.focus_seconds is not None and row.open_seconds is not None and row.focus_seconds <= row.open_seconds


def test_time_out_of_focus_is_not_counted_and_the_page_signs_what_it_shows_by_now(world: World, enter: Enter) -> None:
    call = make_tool_call(needed=2)
    ava = enter(world.ava)
    ava.goto(path_of(call))
    ready(ava)
    ava.evaluate("window.dispatchEvent(new Event('blur'))")
    counted = ava.evaluate("(countFocus({type: 'blur'}), focusedMs)")
    before = ava.locator("input[name=opened]").first.input_value()
    decide(call, make_user("sam2", "approver"))
    expect(ava.locator("#call-people")).to_contain_text("sam2 approved")
    expect(ava.locator("input[name=opened]").first).not_to_have_value(before)
    assert ava.evaluate("(countFocus({type: 'blur'}), focusedMs)") == counted, "it was somewhere else"
    expect(ava.locator("#call-said")).to_have_text("1 of 2 approvals")
    ava.evaluate("window.dispatchEvent(new Event('focus'))")
    ready(ava)
    approve(ava).click()
    is_decided(ava)
    row = Decision.objects.get(person=world.ava)
    assert row.focus_seconds is not None and row.open_seconds is not None
    assert counted / 1000 + 0.4 < row.focus_seconds < row.open_seconds
    assert row.shown_digest and row.shown_bytes


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_on_a_phone_a_dangerous_tool_is_named_by_hand(world: World, enter: Enter, script: bool) -> None:
    call = refund()
    ava = enter(world.ava, phone=True, script=script, expected={"400"})
    ava.goto(path_of(call))
    name = ava.get_by_label("Type payments.refund to let it run")
    for typed, is_right in (("payments.refnd", False), ("payments.refund", True)):
        if script:
            ready(ava)
        expect(name).not_to_be_focused()
        name.fill(typed)
        approve(ava).click()
        if not is_right:
            expect(ava.get_by_role("alert").first).to_contain_text("Nothing was recorded.")
            expect(name).to_have_value(typed)
            expect(name).to_have_attribute("aria-invalid", "true")
            assert not Decision.objects.exists()
            assert ava.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    is_decided(ava)
    row = Decision.objects.get()
    assert (row.focus_seconds is not None) == script and row.shown_bytes


def test_the_confirmation_page_of_the_desk_takes_the_name_and_tells_the_time(world: World, enter: Enter) -> None:
    call, ada = refund(), make_user("ada", "approver", "auditor", is_staff=True)
    page = enter(ada)
    page.goto("/admin/agents/toolcall/")
    page.locator("input[name=_selected_action]").first.check()
    page.get_by_label("Action:").select_option("approve")
    page.locator("button[name=index]").first.click()
    page.get_by_label("Type payments.refund to let it run").fill("payments.refund")
    ready(page)
    page.locator("input[type=submit][value=Approve]").click()
    expect(page.get_by_text("your answer is on record")).to_be_visible()
    row = Decision.objects.get(call=call)
    assert row.surface == "admin" and row.focus_seconds is not None and row.shown_bytes


def test_a_dossier_is_a_file_to_keep(world: World, enter: Enter) -> None:
    call = make_tool_call("succeeded")
    ava = enter(world.ava)
    ava.goto(path_of(call))
    with ava.expect_download() as download:
        ava.get_by_role("link", name="Download the dossier").click()
    assert download.value.suggested_filename == f"m1-dossier-{call.pk}.json"
    found = json.loads(download.value.path().read_text())
    assert found["call"]["requestId"] == str(call.pk)
