"""A live page tells when M1 has stopped answering, and takes it back when M1 is there again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.e2e.test_approval_page import opened
from tests.factories import make_tool_call

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "M1 does not answer. What you see may be out of date."
FAULTS: dict[str, Callable[[Route], None]] = {
    "away": lambda route: route.abort(),
    "broken": lambda route: route.fulfill(status=503),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_says_that_it_may_be_old_until_it_is_not(page: Page, live_server: LiveServer, fault: str) -> None:
    opened(page, live_server.url, make_tool_call())
    said = page.get_by_role("status").filter(has_text=WORDS)
    expect(said).to_have_count(0)
    page.route(lambda url: "seen=" in url, FAULTS[fault])
    expect(said).to_be_visible(timeout=15_000)
    page.unroute_all()
    expect(said).to_have_count(0, timeout=15_000)
