"""Signing in with a second factor and with a passkey, in a real browser that keeps to the strict policy."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from audit.models import AuditEvent
from tests.e2e.watch import Watch
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def watch(live_server: LiveServer) -> Iterator[Watch]:
    """Whatever the browsers have to tell; the test fails at its end for any of it."""
    watch = Watch(live_server.url)
    yield watch
    assert watch.problems == []


@pytest.fixture
def context(browser: Browser, live_server: LiveServer, watch: Watch) -> Iterator[BrowserContext]:
    """A browser with a device that keeps passkeys and asks its person for a finger."""
    context = browser.new_context(base_url=live_server.url)
    watch.look_at(context)
    yield context
    context.close()


def with_authenticator(page: Page) -> None:
    """Give the page a device that keeps passkeys and asks its person for a finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options: dict[str, Any] = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def code_of(secret: str, step: int = 0) -> str:
    """Return what an authenticator app shows, this half minute or `step` of them later."""
    counter = list(yield_hotp_counters_from_time())[1]
    return format_hotp_value(hotp_value(secret, counter + step))


def give_password(page: Page) -> None:
    page.get_by_label("Name").fill("ava")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in to M1")).to_be_visible()


def test_a_person_sets_up_an_app_and_a_passkey_and_signs_in_with_each(context: BrowserContext) -> None:
    make_user("ava", "approver")
    page = context.new_page()
    with_authenticator(page)
    page.goto("/")
    give_password(page)
    secret = set_up_an_app(page)
    sign_out(page)
    give_password(page)
    page.get_by_role("textbox", name="Code").fill(code_of(secret, 1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    add_a_passkey(page)
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    see_and_end_all_sessions(page)
    told = AuditEvent.objects.filter(action__startswith="user.").order_by("id").values_list("action", flat=True)
    assert [action.removeprefix("user.") for action in told] == [
        "signed_in", "second_factor_added", "second_factor_added", "signed_out", "signed_in", "passkey_added",
        "signed_out", "signed_in", "sessions_ended", "signed_out",
    ]  # fmt: skip


def set_up_an_app(page: Page) -> str:
    """Turn the authenticator app on, and return its secret."""
    page.get_by_role("link", name="ava").click()
    page.get_by_role("link", name="Set up an app").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.get_by_text("I cannot scan it").click()
    secret = page.get_by_label("The key").inner_text()
    page.get_by_role("textbox", name="Code").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert page.get_by_label("Your codes").locator("li").count() == 10
    return secret


def add_a_passkey(page: Page) -> None:
    """Add one; the session has just proved a second factor, but asks for it again before anything changes."""
    page.goto("/accounts/")
    page.get_by_role("link", name="Show them").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_role("textbox", name="Code").fill(recovery_code(page))
    page.get_by_role("button", name="Go on").click()
    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("What to call it").fill("laptop")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("laptop")).to_be_visible()


def recovery_code(page: Page) -> str:
    """Return a code that was not used."""
    return str(Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0])


def see_and_end_all_sessions(page: Page) -> None:
    """Find the session in the list, and sign out everywhere."""
    page.goto("/accounts/sessions/")
    expect(page.get_by_text("This one")).to_be_visible()
    expect(page.get_by_text("Chrome on Linux")).to_be_visible()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("heading", name="Sign in to M1")).to_be_visible()
    page.goto("/accounts/")
    expect(page.get_by_role("heading", name="Sign in to M1")).to_be_visible()
