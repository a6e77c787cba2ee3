"""Approval authority as people use it, in a real browser under the strict CSP: edit, broken glass, halts."""

from collections.abc import Iterator
from unittest import mock

import pytest
from playwright.sync_api import Page, expect

from agents import halts
from agents.models import Decision, DecisionReview, ToolCall
from m1site.accounts.models import User
from tests.agents.pages import path_of
from tests.agents.steps import ask, fresh, operator
from tests.e2e.conftest import Enter
from tests.world import World, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def ready(page: Page) -> None:
    expect(page.locator("html[data-ready]")).to_be_attached()


def now(call: ToolCall) -> ToolCall:
    return ToolCall.objects.get(pk=call.pk)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_one_person_edits_and_a_second_approves_what_both_saw(world: World, enter: Enter, script: bool) -> None:
    call = ask(world, "files.write", {"path": "reports/may.txt", "content": "Hello\nWorld"})
    ava, sam = enter(world.ava, script=script), enter(world.sam, phone=True)
    sam.goto(path_of(call))
    ava.goto(path_of(call))
    ava.get_by_role("link", name="Change the arguments…").click()
    expect(ava.get_by_label("content", exact=False)).to_have_value("Hello\nWorld")
    ava.get_by_label("path", exact=False).fill("reports/june.txt")
    ava.get_by_label("Why", exact=False).fill("May is closed.")
    if script:
        ready(ava)
    ava.get_by_role("button", name="Change, and ask again").click()
    expect(ava.get_by_text("You wrote these arguments; someone else must decide.")).to_be_visible()

    expect(sam.locator("#call-what")).to_contain_text("reports/june.txt")  # by itself: sam's page is live
    expect(sam.locator("#call-changes")).to_contain_text("reports/may.txt")
    expect(sam.locator("#call-changes")).to_contain_text("May is closed.")
    assert fits(sam)
    ready(sam)
    sam.get_by_role("button", name="Approve", exact=True).click()
    expect(sam.get_by_role("heading", name="Decided")).to_be_visible()
    decision = Decision.objects.get(call=call)
    assert (decision.person, decision.digest_seen) == (world.sam, now(call).arguments_digest)
    assert decision.open_seconds is not None and decision.open_seconds < 600
    assert bytes(call.revisions.get(number=2).arguments) == b'{"content":"Hello\\nWorld","path":"reports/june.txt"}'


def test_the_glass_is_broken_by_one_and_reviewed_by_another(world: World, enter: Enter) -> None:
    call = ask(world, "files.delete", {"path": "a.txt"})
    omar, ada = enter(person("omar", "break-glass"), phone=True), enter(person("ada", "auditor"))
    omar.goto(path_of(call))
    expect(omar.get_by_label("Why it cannot wait")).to_be_hidden()
    ready(omar)
    omar.get_by_text("Break the glass…").click()
    omar.get_by_label("Why it cannot wait").fill("The disk is full.")
    omar.get_by_label("Type files.delete").fill("files.delete")
    omar.get_by_role("button", name="Break the glass").click()
    expect(omar.locator("#call-head")).to_contain_text("not reviewed yet")
    assert fits(omar)

    ada.goto("/")
    ada.locator("a[id^=review-]").click()
    expect(ada.locator("#call-people")).to_contain_text("omar broke the glass")
    ready(ada)
    ada.get_by_label("What you found").fill("It was full.")
    ada.get_by_role("button", name="Reviewed").click()
    for page in (ada, omar):
        expect(page.locator("#call-head")).to_contain_text("reviewed by ada")
    assert DecisionReview.objects.get().person == fresh(person_named("ada"))


def person_named(name: str) -> User:
    return User.objects.get(username=name)


def test_a_halt_is_set_seen_by_approvers_and_lifted(world: World, enter: Enter) -> None:
    call = ask(world)
    User.objects.filter(pk=operator().pk).update(is_staff=True)  # who sees every entry of the navigation
    omar, ava = enter(operator(), phone=True), enter(world.ava, phone=True)
    omar.goto("/halts/")
    omar.get_by_text("Halt…").click()
    omar.get_by_label("What").select_option("everything")
    omar.get_by_label("Why").fill("Something is wrong.")
    ready(omar)
    omar.get_by_role("button", name="Halt at once").click()
    expect(omar.locator(".banner")).to_contain_text("Everything is halted")
    assert fits(omar)
    for path in ("/", path_of(call), "/away/"):
        ava.goto(path)
        expect(ava.locator(".banner")).to_contain_text("Something is wrong.")
        assert fits(ava)
    ava.goto(path_of(call))
    expect(ava.locator("#call-head")).to_contain_text("Everything is halted: Something is wrong.")
    omar.get_by_text("Lift…").click()
    ready(omar)
    omar.get_by_role("button", name="Lift it").click()
    expect(omar.get_by_text("Nothing is halted.")).to_be_visible()
    expect(ava.locator("#call-head")).not_to_contain_text("halted")  # by itself
    assert not halts.in_force().exists()
