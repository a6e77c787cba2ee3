"""What a session is, and when it ends: by age, by absence, by its person, by what changes how that person signs in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.utils import timezone

from audit import clock as database_clock
from m1site.accounts import sessions
from m1site.accounts.models import User
from tests.agents.pages import LIVE
from tests.factories import PASSWORD, make_user
from tests.m1site.doors import CONFIRM, LOGIN, entered, events, give_password, is_in, recovery_codes, with_app

pytestmark = pytest.mark.django_db
NEW = "another-long-password-2"
T0 = 1_700_000_000.0


@pytest.fixture
def ava() -> User:
    return make_user("ava", "approver")


def test_the_session_has_a_new_key_after_signing_in_and_is_gone_after_signing_out(ava: User) -> None:
    client = Client()
    client.get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})  # a session of nobody
    before = client.session.session_key
    give_password(client)
    cookie = client.cookies["sessionid"]
    assert before
    assert cookie.value != before
    assert not Session.objects.filter(session_key=before).exists()
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    stolen = Client()
    stolen.cookies["sessionid"] = cookie.value
    assert is_in(stolen)
    client.post("/accounts/logout/")
    assert not is_in(stolen)
    assert stolen.get("/api/m1/runs").status_code == 401
    assert events() == ["signed_in", "signed_out"]


@pytest.mark.parametrize(
    ("minutes", "visit", "is_open"),
    [
        ([59], {}, True),
        ([60], {}, False),
        ([50, 50], {"headers": LIVE}, False),  # pages that ask by themselves are nobody
        ([50, 50, 19], {}, True),
        ([50, 50, 20], {}, False),  # two hours
    ],
)
def test_a_session_ends_when_it_is_left_alone_or_old(
    ava: User, settings: Any, minutes: list[int], visit: dict[str, Any], is_open: bool
) -> None:
    assert settings.SESSION_COOKIE_AGE == 12 * 3600
    settings.SESSION_COOKIE_AGE = 2 * 3600
    with time_machine.travel(T0, tick=False) as clock:
        client = entered()
        for more in minutes[:-1]:
            clock.shift(timedelta(minutes=more))
            client.get("/accounts/password/none/", **visit)
        clock.shift(timedelta(minutes=minutes[-1]))
        assert is_in(client) is is_open
    assert ("sessions_ended" in events()) is not is_open


def change_password(client: Client, user: User) -> None:
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert client.post("/accounts/password/change/", form).status_code == 302


def remove_app(client: Client, user: User) -> None:
    client.post(CONFIRM, {"code": recovery_codes(user)[0]})
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302


def end_others(client: Client, user: User) -> None:
    assert client.post("/accounts/sessions/").status_code == 302


@pytest.mark.parametrize(
    ("act", "has_app", "told"),
    [
        (change_password, False, ["password_changed", "sessions_ended"]),
        (remove_app, True, ["second_factor_removed", "sessions_ended", "second_factor_removed"]),
        (end_others, False, ["sessions_ended"]),
    ],
)
def test_what_changes_how_one_signs_in_ends_the_other_sessions(
    ava: User, act: Callable[[Client, User], None], has_app: bool, told: list[str]
) -> None:
    other = entered()
    if has_app:
        with_app(ava)
    mine = entered()
    act(mine, ava)
    assert (is_in(mine), is_in(other)) == (True, False)
    assert events("signed_in", "second_factor_added") == told


def test_signing_out_everywhere_ends_this_session_too(ava: User) -> None:
    other, mine = entered(), entered()
    assert mine.get("/accounts/sessions/end/").status_code == 405
    assert mine.post("/accounts/sessions/end/")["Location"] == LOGIN
    assert (is_in(mine), is_in(other), UserSession.objects.count()) == (False, False, 0)
    assert Client().post("/accounts/sessions/end/").status_code == 302


def test_sessions_that_are_over_are_forgotten_by_and_by(ava: User) -> None:
    Client().get("/accounts/2fa/webauthn/login/", headers={"Accept": "application/json"})
    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
    entered()
    assert Session.objects.count() == 1


@pytest.mark.parametrize("minutes", [-10, 10])
def test_when_a_second_factor_was_proved_is_told_by_the_database_and_not_by_this_host(ava: User, minutes: int) -> None:
    with_app(ava)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
        client = entered()
        request = RequestFactory().get("/")
        request.session, request.user = client.session, ava
        found = sessions.sign_in_of(request)
        now = database_clock.now()
    assert found and found.second_factor_at and abs(found.second_factor_at - now) < timedelta(minutes=1)
    assert abs(found.at - now) < timedelta(minutes=1)
