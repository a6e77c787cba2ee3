"""The main job as people do it, in Chromium, with real worker processes; files, mail and effects prove it."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from m1site.demo import workspace
from tests.e2e.conftest import PHONE, WIDE, Door
from tests.e2e.watch import POLICY, Inline, Watch
from tests.effects_server import EffectsServer
from tests.processes import Processes, until

Call = Mapping[str, Any]
GOAL = "Tidy the workspace and tell the customer"


def ready(page: Page, *, script: bool = True) -> None:
    """Wait until the page takes decisions: it does not in its first half second, nor while long parts are folded."""
    if not script:
        return
    for button in page.locator("#call-what .unfold, #call-effect .unfold").all():
        button.click()
    expect(page.locator("html[data-ready]")).to_be_attached()


def send(page: Page, act: Callable[[], None]) -> None:
    """Do what sends a form; once more if the page had just changed, and took no notice."""

    def is_sent() -> bool:
        ready(page)
        try:
            with page.expect_request(lambda request: request.method == "POST", timeout=2_000):
                act()
        except TimeoutError:
            return False
        return True

    until(is_sent, what="the page sends its form")


def approve_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Approve", exact=True)


def click_approve(page: Page) -> None:
    name = page.locator("#approve-name")
    if name.count():
        name.fill(page.locator("#call-what .tool").inner_text())
    send(page, approve_button(page).click)


def open_from_inbox(page: Page, call: Call) -> None:
    page.goto("/")
    page.locator(f'a[href="/approvals/{call["requestId"]}/"]').click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(call["headline"])
    expect(page.locator("code.digest")).to_have_text(call["argumentsDigest"])


def begin_run(page: Page, m1: Processes) -> str:
    page.goto("/runs/new/")
    page.get_by_label("Goal").fill(GOAL)
    page.get_by_label("Agent").select_option(label="demo")
    page.get_by_label("Pre-authorisation").select_option(m1.told["preauthorization"])
    send(page, page.get_by_role("button", name="Start the run").click)
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    return page.url.rstrip("/").rpartition("/")[2]


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_main_job(m1: Processes, door: Door, size: dict[str, Any]) -> None:
    place = m1.facts.place
    workspace.fill(place.workspace)
    mails = set(place.mail.iterdir())
    riley, ava, sam = (door.enter(name, size) for name in ("riley", "ava", "sam"))
    run = begin_run(riley, m1)
    mail, draft = m1.waiting(run, 2)

    open_from_inbox(ava, mail)
    expect(ava.locator("#call-what")).to_contain_text("customer@example.com")
    assert fits(ava)
    click_approve(ava)
    expect(ava.locator("#call-head .status")).to_have_text("Succeeded")
    (new,) = set(place.mail.iterdir()) - mails
    assert "To: customer@example.com" in new.read_text()

    open_from_inbox(ava, draft)
    click_approve(ava)
    expect(ava.locator("#call-head")).to_contain_text("1 of 2 approvals")
    assert (place.workspace / "orders/1001-draft.txt").exists()
    open_from_inbox(sam, draft)
    expect(sam.locator("#call-people")).to_contain_text("ava approved")
    click_approve(sam)
    expect(sam.locator("#call-head .status")).to_have_text("Succeeded")
    assert not (place.workspace / "orders/1001-draft.txt").exists()

    expect(riley.locator(".beat.end")).to_contain_text("Completed")  # by itself: riley's page is live
    expect(riley.locator(".beat.end")).to_contain_text("The customer has been told")
    assert (place.workspace / "archive/ledger.csv").exists()
    assert all(fits(page) for page in (riley, ava, sam))


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_double_click_is_one_decision_and_one_effect(
    m1: Processes, door: Door, effects: EffectsServer, script: bool
) -> None:
    run = m1.run("counter")
    (call,) = m1.waiting(run)
    ava = door.known("ava", script=script)
    open_call(ava, call)
    ready(ava, script=script)
    approve_button(ava).dblclick()
    expect(approve_button(ava)).to_have_count(0)  # the browser has its answer, and goes nowhere else
    assert m1.ended(run)["answer"] == "It was counted."
    assert effects.counts[call["requestId"]] == 1
    assert len(m1.events(f"tool_call:{call['requestId']}", "tool_call.vote")) == 1
    ava.goto(f"/approvals/{call['requestId']}/")
    expect(ava.locator("#call-head .status")).to_have_text("Succeeded")


def open_call(page: Page, call: Call) -> None:
    page.goto(f"/approvals/{call['requestId']}/")
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()


def test_a_stale_page_is_told_and_nothing_is_recorded(m1: Processes, door: Door, watch: Watch) -> None:
    watch.expected.add("409")
    (call,) = m1.waiting(m1.run("counter"))
    ava, live, stale = door.known("ava"), door.known("sam"), door.known("sam", script=False)
    for page in (ava, live, stale):
        open_call(page, call)
    ready(ava)
    ava.locator("#reject-fold > summary").click()
    ava.get_by_label("Wrong target").check(force=True)
    send(ava, ava.get_by_role("button", name="Reject", exact=True).click)
    expect(ava.locator("#call-head .status")).to_have_text("Rejected")

    expect(live.locator("#call-head .status")).to_have_text("Rejected")
    expect(approve_button(live)).to_have_count(0)
    approve_button(stale).click()
    expect(stale.get_by_role("alert")).to_contain_text("The call has changed meanwhile.")
    expect(stale.get_by_role("alert")).to_contain_text("ava was faster")
    (vote,) = m1.events(f"tool_call:{call['requestId']}", "tool_call.vote")
    assert vote["payload"]["answer"] == "reject"


def test_hostile_text_is_shown_and_never_obeyed(m1: Processes, door: Door) -> None:
    run = m1.run("hostile")
    attack, write = m1.waiting(run, 2)
    ava, sam = door.known("ava"), door.known("sam", PHONE)
    for page in (ava, sam):
        for call in (attack, write):
            open_from_inbox(page, call)
            assert_only_text(page)
    open_call(ava, attack)
    for mark in ("⟦U+202E⟧", "⟦U+200B⟧", "⟦U+2066⟧"):
        expect(ava.locator("mark.unseen", has_text=mark).first).to_be_visible()
    expect(ava.locator("#call-what")).to_contain_text("Mixes alphabets")
    expect(ava.locator("#call-why")).to_contain_text("<script>alert('reason')</script>")
    for call in (attack, write):
        open_call(ava, call)
        click_approve(ava)
        expect(ava.get_by_role("heading", name="Decided")).to_be_visible()
        assert_only_text(ava)
    m1.ended(run)
    for page, paths in (
        (ava, ["/", f"/runs/{run}/", "/runs/", *admin_pages(attack, run)]),
        (sam, ["/", f"/runs/{run}/"]),
    ):
        for path in paths:
            page.goto(path)
            assert_only_text(page)
    ava.goto(f"/runs/{run}/")
    expect(ava.locator(".beat.end")).to_contain_text("<script>alert('finish')</script>")


def assert_only_text(page: Page) -> None:
    """Nothing of what the agent wrote has become an element, and nothing turns or hides the text around it."""
    made = "iframe, svg[onload], img[onerror], form[action*=evil], a[href^=javascript], link[href*=evil], style, base"
    expect(page.locator(f"{made}, script:not([src]):not([type='application/json'])")).to_have_count(0)
    expect(page.locator("main a[href*='://']")).to_have_count(0)
    assert not re.search("[\u202e\u2066\u200b]", page.locator("main").inner_text())
    assert fits(page)


def admin_pages(call: Call, run: str) -> list[str]:
    return ["/admin/agents/toolcall/", f"/admin/agents/toolcall/{call['requestId']}/change/",
            "/admin/agents/agentrun/", f"/admin/agents/agentrun/{run}/change/"]  # fmt: skip


def test_every_page_keeps_the_strict_policy(m1: Processes, door: Door, watch: Watch) -> None:
    watch.expected |= {"403", "404"}
    (call,) = m1.waiting(m1.run("counter"))
    ava, nobody = door.known("ava"), door.open()
    pages = ["/", "/runs/", "/runs/new/", f"/runs/{call['run']}/", f"/approvals/{call['requestId']}/"]
    pages += ["/preauthorizations/", "/accounts/keys/", "/api/m1/docs", "/no/such/page/", f"/runs/{call['requestId']}/"]
    pages += [f"/approvals/{call['requestId']}/edit/", f"/?like={call['requestId']}", "/halts/", "/away/"]
    pages += [*admin_pages(call, call["run"]), "/admin/no/such/", "/admin/"]
    assert_strict(nobody, ["/accounts/login/", "/no/such/page/", "/admin/"])
    assert_strict(ava, pages)
    assert_strict(ava, sorted({link.get_attribute("href") or "" for link in ava.locator("#content a").all()}))
    posted = nobody.request.post("/accounts/login/", form={"login": "ava"})  # no CSRF token
    assert (posted.status, Inline(posted.text()).found) == (403, [])
    assert {part.strip() for part in posted.headers["content-security-policy"].split(";")} == POLICY
    m1.approve(call)  # one that waits would stand in one row with the next that is exactly like it


def assert_strict(page: Page, paths: list[str]) -> None:
    """Open the pages in the browser, where the watch sees what breaks, and read them for what is inline."""
    for path in paths:
        answer = page.goto(path)
        assert answer
        assert answer.headers["content-type"].startswith("text/html"), path
        assert Inline(answer.text()).found == [], path


def test_a_fault_of_m1_shows_a_page_that_keeps_the_policy(m1: Processes, door: Door, watch: Watch) -> None:
    watch.expected |= {"500"}
    ava = door.known("ava")
    with renamed(m1, "policy_approvaltoken"):
        answer = ava.goto("/preauthorizations/")
        assert answer
        assert answer.status == 500
        assert Inline(answer.text()).found == []
        expect(ava.get_by_role("heading", level=1)).to_be_visible()
        assert "Traceback" not in answer.text()
    ava.goto("/preauthorizations/")
    expect(ava.get_by_role("heading", name="Pre-authorisations")).to_be_visible()


@contextmanager
def renamed(m1: Processes, table: str) -> Iterator[None]:
    """Take a table away for a moment."""
    url = m1.facts.place.database_url
    if url.startswith("sqlite:"):
        pytest.skip("SQLite locks the whole database for this")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away".encode())
        try:
            yield
        finally:
            connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}".encode())


def test_a_keyboard_is_enough(m1: Processes, door: Door) -> None:
    """From the inbox to a decision with the keyboard alone."""
    (call,) = m1.waiting(m1.run("counter"))
    ava = door.known("ava")
    link = ava.locator(f'a[href="/approvals/{call["requestId"]}/"]')
    until(lambda: press_tab_and_see(ava, link), what="Tab reaches the call in the inbox")
    ava.keyboard.press("Enter")
    expect(ava.get_by_role("heading", name="Your decision")).to_be_visible()
    ready(ava)
    until(lambda: press_tab_and_see(ava, approve_button(ava)), what="Tab reaches the button")
    send(ava, lambda: ava.keyboard.press("Enter"))
    expect(ava.locator("#call-head .status")).to_have_text("Succeeded")


def press_tab_and_see(page: Page, wanted: Locator) -> bool:
    page.keyboard.press("Tab")
    return bool(wanted.evaluate("(element) => element === document.activeElement"))


def test_the_watch_sees_what_it_looks_for(door: Door, watch: Watch) -> None:
    page = door.known("ava")
    assert watch.problems == []
    page.evaluate("""async () => {
      document.body.insertAdjacentHTML("beforeend", "<p style='color:red'>x</p><img src=x onerror='alert(1)'>");
      alert("hello");
      console.error("broken");
      await fetch("http://127.0.0.2:9/").catch(() => 0);
      setTimeout(() => { throw new Error("uncaught"); });
    }""")
    wanted = ("violation: style-src-attr", "violation: script-src-attr", "violation: connect-src", "dialog: hello",
              "console: broken", "console: Failed to load resource", "script: uncaught")  # fmt: skip

    def missing() -> list[str]:
        return [want for want in wanted if not any(told.startswith(want) for told in watch.problems)]

    # Each of them, the missing picture too: what came later would be told of after the list is emptied.
    until(lambda: page.title() and not missing(), what="everything that was provoked")
    watch.problems.clear()
