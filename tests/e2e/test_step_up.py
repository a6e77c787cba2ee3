"""A rule that asks for a recent second factor: the approver proves it on the way, and comes back to the call."""

from collections.abc import Iterator
from unittest import mock

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import transaction
from playwright.sync_api import expect

from agents.models import Decision
from tests.agents.pages import path_of
from tests.agents.steps import ask
from tests.e2e.conftest import Enter
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_second_factor_is_proved_on_the_way_and_the_yes_counts(world: World, enter: Enter, script: bool) -> None:
    with transaction.atomic():
        TOTP.activate(world.ava, generate_totp_secret())
        codes = RecoveryCodes.activate(world.ava).get_unused_codes()
    call = ask(world)
    type(call).objects.filter(pk=call.pk).update(sign_in_minutes=5)
    ava = enter(world.ava, phone=True, script=script)
    ava.goto(path_of(call))
    ava.get_by_role("link", name="Prove it first").first.click()
    ava.get_by_role("textbox", name="Code").fill(codes[0])
    ava.get_by_role("button", name="Go on").click()
    ava.wait_for_url(f"**{path_of(call)}")
    expect(ava.get_by_role("link", name="Prove it first")).to_have_count(0)
    if script:
        expect(ava.locator("html[data-ready]")).to_be_attached()
    ava.get_by_role("button", name="Approve", exact=True).click()
    expect(ava.locator("#call-people")).to_contain_text("ava approved")
    assert Decision.objects.get(call=call).answer == "approve"
