"""Hostile text in every field, on every page, in real browsers: shown with its marks, and never obeyed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from unittest import mock
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from agents.models import ToolCall
from tests.e2e import hostile_rows
from tests.e2e.conftest import Enter
from tests.e2e.hostile_rows import HONEST
from tests.e2e.watch import Inline
from tests.screens.screens import choosing
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
RAW = re.compile("[\u202e\u2066\u200b\U000e0041\x1b\u2028]")
NAMED = re.compile(r"Q([a-z]+)(⟦U\+202E⟧|\\u202e)?")  # as M1 marks it; ASCII where the text should have been a name
ROWS = 8  # of each list of the admin
# What a page says, but for scripts' data and for fields that hold a text to be changed; and words that appear on hover.
TEXT = """(() => {
  const copy = document.body.cloneNode(true);
  copy.querySelectorAll("script, textarea, template").forEach((one) => one.remove());
  const hints = [...document.querySelectorAll("[title], [aria-label], [alt], [placeholder]")]
    .flatMap((one) => ["title", "aria-label", "alt", "placeholder"].map((name) => one.getAttribute(name) ?? ""));
  return [document.title, copy.textContent, ...hints].join("\\n");
})()"""
OUTSIDE = """[...document.querySelectorAll("*")].flatMap((one) =>
  ["href", "src", "action", "formaction", "data", "srcset", "poster", "ping", "background", "xlink:href"]
    .map((name) => one.getAttribute(name)).filter((value) => value !== null)
    .filter((value) => { const to = new URL(value || ".", document.baseURI);
                         return to.origin !== location.origin; })
    .map((value) => `${one.tagName} ${value}`.slice(0, 200)))"""
ELEMENTS = """[...document.querySelectorAll(
  "m1-evil, iframe, object, embed, base, svg[onload], img[onerror], meta[http-equiv], form[action*=evil]"
)].map((one) => one.outerHTML.slice(0, 200))"""


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def calls(world: World) -> Mapping[str, ToolCall]:
    """A desk full of hostile rows; ava sees everything."""
    world.ava.is_staff = world.ava.is_superuser = True
    world.ava.save()
    return hostile_rows.fill(world)


@dataclass
class Reader:
    """Opens pages, and writes down what is obeyed, outside or unmarked on them, and which fields they show."""

    page: Page
    problems: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def open(self, path: str) -> None:
        """Open a page and look at all of it."""
        answer = self.page.goto(path)
        if not answer or answer.status != 200:
            self.problems.append(f"{path}: {answer and answer.status}")
        else:
            self.look(path, answer.text())

    def look(self, path: str, html: str) -> None:
        """Look at all of the page that is open."""
        found = [*Inline(html).found, *self.page.evaluate(OUTSIDE), *self.page.evaluate(ELEMENTS)]
        text = self.page.evaluate(TEXT)
        found += [ascii(text[max(0, one.start() - 80) : one.end() + 20]) for one in RAW.finditer(text)]
        named = [one for one in NAMED.finditer(text) if one[1] in hostile_rows.FIELDS]
        found += [ascii(text[one.start() :][:80]) for one in named if not one[2]]
        self.problems += [f"{path}: {one}" for one in found]
        self.seen |= {one[1] for one in named}


def pages(calls: Mapping[str, ToolCall]) -> Iterator[str]:
    """Yield the addresses of all pages that people open."""
    yield from ("/", "/?page=2", "/runs/", "/runs/new/", "/halts/", "/away/", "/preauthorizations/")
    yield from ("/accounts/", "/accounts/keys/", "/accounts/sessions/", "/admin/", "/admin/oversight/")
    yield f"/batch/?call={calls['pending'].pk}&call={calls['plain'].pk}"
    for name, call in calls.items():
        yield f"/approvals/{call.pk}/"
        yield f"/runs/{call.run_id}/"
        yield f"/?like={call.pk}"
        if name in ("pending", "plain"):
            yield f"/approvals/{call.pk}/edit/"


def rows_of_the_admin(page: Page) -> Iterator[str]:
    """Yield every list of the admin, and of each the pages of its first rows."""
    page.goto("/admin/")
    links = page.locator("#content th a").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
    for address in dict.fromkeys(links):
        yield address
        rows = page.locator("#result_list a[href*='/change/']")
        found = rows.evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
        yield from list(dict.fromkeys(urlsplit(one).path for one in found))[:ROWS]


def test_nothing_that_was_written_is_obeyed_on_any_page(
    calls: Mapping[str, ToolCall], world: World, enter: Enter
) -> None:
    reader = Reader(enter(world.ava))
    for path in (*pages(calls), *rows_of_the_admin(reader.page)):
        reader.open(path)
    reader.page.goto("/accounts/sessions/")
    expect(reader.page.locator("main")).to_contain_text("Qbrowser <m1-evil")
    reader.open("/admin/agents/toolcall/?status__exact=pending")
    choosing("approve", rows=2)(reader.page)
    reader.look("the admin's page that confirms decisions", reader.page.content())
    assert not reader.problems, "\n".join(reader.problems)
    assert hostile_rows.FIELDS - reader.seen == set()


def test_what_m1_says_about_a_call_is_what_it_says_about_a_plain_one(
    calls: Mapping[str, ToolCall], world: World, enter: Enter
) -> None:
    reader = Reader(sam := enter(world.sam, phone=True))
    reader.open(f"/approvals/{calls['plain'].pk}/")
    plain = facts(sam)
    reader.open(f"/approvals/{calls['pending'].pk}/")
    assert reader.problems == []
    assert reader.seen >= {"path", "content", "reason", "goal", "turn", "preview", "summary", "halt"}
    assert facts(sam) == plain
    expect(sam.locator("#call-what")).to_contain_text("Mixes alphabets")
    expect(sam.locator("#call-what")).to_contain_text(HONEST)  # nothing is marked that does honest work
    expect(sam.locator("html[data-ready]")).to_be_attached()
    expect(sam.locator("[data-waits]")).to_be_visible()  # the end hides behind 500 lines and 900 blanks
    assert sam.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def facts(page: Page) -> list[str]:
    """Return what M1 itself says about the call: risk, state, votes, rule, who decides, what may be pressed."""
    where = ("#call-head .badges", "#call-head .facts-line b", "#call-what .facts-line", "#call-why .reasons",
             "#call-people .need", "#call-people .votes", "#call-actions h2", "#call-actions button")  # fmt: skip
    return [re.sub(r"\s+", " ", text) for one in where for text in page.locator(one).all_text_contents()]
