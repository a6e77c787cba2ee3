"""Signing in by password and second factor: what opens, what stays shut, what a session is and when it ends."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client, RequestFactory

from agents.approval.sign_in import SignIn
from audit.models import AuditEvent
from m1site.accounts import api_keys, sessions
from m1site.accounts.models import User
from tests.agents.pages import text_of
from tests.factories import PASSWORD, make_user
from tests.m1site.doors import (
    CONFIRM,
    LOGIN,
    STEP_TWO,
    code,
    entered,
    events,
    give_password,
    is_in,
    recovery_codes,
    with_app,
)

pytestmark = pytest.mark.django_db
NEW = "another-long-password-2"
T0 = 1_700_000_000.0


@pytest.fixture
def ava() -> User:
    return make_user("ava", "approver")


def test_a_password_opens_an_account_without_a_second_factor_and_only_leads_to_pages_of_m1(ava: User) -> None:
    for target, place in (("/runs/", "/runs/"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("", "/")):
        assert give_password(Client(), query_params={"next": target})["Location"] == place
    told = AuditEvent.objects.filter(action="user.signed_in").first()
    assert told
    assert (told.actor, told.subject) == (f"user:{ava.pk}", f"user:{ava.pk}")


@pytest.mark.parametrize(
    ("name", "password"),
    [("ava", "no"), ("ava", PASSWORD.upper()), ("nobody", PASSWORD), ("", PASSWORD), ("ava", ""), ("ava\0", PASSWORD)],
)
def test_what_is_wrong_opens_nothing_and_gets_one_answer(ava: User, name: str, password: str) -> None:
    client = Client()
    assert give_password(client, name, password).status_code == 200
    assert not is_in(client)


def test_a_known_and_an_unknown_name_get_the_same_page(ava: User) -> None:
    pages = [give_password(Client(), name, "no").content.decode().replace(name, "…") for name in ("ava", "nobody")]
    plain = [re.sub(r'(csrfmiddlewaretoken" value|m1-now" content)="[^"]+"', "", page) for page in pages]
    assert plain[0] == plain[1]
    subjects = AuditEvent.objects.filter(action="user.sign_in_failed").order_by("id").values_list("subject", flat=True)
    assert list(subjects) == [f"user:{ava.pk}", "user:unknown"]


@pytest.mark.parametrize("change", [{"is_active": False}, {"kind": "service"}])
def test_accounts_that_are_off_and_those_of_programs_do_not_sign_in(ava: User, change: dict[str, Any]) -> None:
    User.objects.update(**change)
    client = Client()
    assert "switched off" in text_of(client.post(LOGIN, {"login": "ava", "password": PASSWORD}, follow=True))
    assert not is_in(client)


def test_a_second_factor_is_asked_for_and_nothing_is_open_before(ava: User) -> None:
    with_app(ava)
    client = Client()
    assert give_password(client)["Location"] == STEP_TWO
    assert not is_in(client)
    assert "wrong" in text_of(client.post(STEP_TWO, {"code": "000000"}))
    assert not is_in(client)
    assert client.post(STEP_TWO, {"code": code()})["Location"] == "/"
    assert is_in(client)
    assert events() == ["second_factor_added"] * 2 + ["sign_in_failed", "signed_in"]


@pytest.mark.parametrize("written", ["{0}", " {0} ", "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}", "{0}.", "{0[0]}-{0}"])
def test_a_code_works_once_however_it_is_written(ava: User, written: str) -> None:
    with_app(ava)
    used = code()
    assert entered("ava")
    client = Client()
    give_password(client)
    client.post(STEP_TWO, {"code": written.format(used)})
    assert not is_in(client)


def test_a_recovery_code_works_once(ava: User) -> None:
    with_app(ava)
    spare = recovery_codes(ava)[3]
    for is_right in (True, False):
        client = Client()
        give_password(client)
        client.post(STEP_TWO, {"code": spare})
        assert is_in(client) is is_right
    assert spare not in recovery_codes(ava)
    assert len(recovery_codes(ava)) == 9


def test_secrets_of_second_factors_are_not_readable_in_the_database_and_need_the_key(ava: User, settings: Any) -> None:
    with_app(ava)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert "JBSWY3DP" not in kept
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-of-forty-characters-or-more!"
    client = Client()
    give_password(client)
    assert "wrong" in text_of(client.post(STEP_TWO, {"code": code()}))
    settings.SECRET_KEY_FALLBACKS = [old]
    give_password(client)
    assert client.post(STEP_TWO, {"code": code()})["Location"] == "/"


RECORD = {"method": "password", "at": T0, "username": "ava"}
TOTP = {"method": "mfa", "at": T0 + 5, "id": 1, "type": "totp"}
AGAIN = {"method": "mfa", "at": T0 + 900, "id": 1, "type": "totp", "reauthenticated": True}
PASSKEY = {"method": "mfa", "at": T0 + 7, "id": 2, "type": "webauthn", "passwordless": True}
CODES = {"method": "mfa", "at": T0 + 9, "id": 3, "type": "recovery_codes"}
ELSEWHERE = {"method": "socialaccount", "at": T0 + 1, "provider": "oidc", "uid": "1"}
PASSWORD_AGAIN = {**RECORD, "at": T0 + 950, "reauthenticated": True}


@pytest.mark.parametrize(
    ("records", "at", "factor"),
    [
        ([RECORD], 0, None),
        ([RECORD, TOTP], 5, 5),
        ([PASSKEY], 7, 7),
        ([RECORD, CODES], 9, 9),
        ([ELSEWHERE], 1, None),
        ([ELSEWHERE, TOTP], 5, 5),
        ([RECORD, TOTP, AGAIN], 900, 900),
        ([RECORD, TOTP, PASSWORD_AGAIN], 950, 5),
        ([RECORD, PASSWORD_AGAIN], 950, None),
        ([], -100, None),
    ],
)
def test_proofs_become_a_sign_in(ava: User, records: list[Any], at: int, factor: int | None) -> None:
    request = RequestFactory().get("/")
    request.user = ava
    request.session = {  # type: ignore[assignment]
        "account_authentication_methods": records, "account_authentication_methods_user": str(ava.pk),
        sessions.BEGAN_AT: T0 - 100,
    }  # fmt: skip
    moments = [None if offset is None else datetime.fromtimestamp(T0 + offset, UTC) for offset in (at, factor)]
    assert sessions.sign_in_of(request) == SignIn(at=moments[0], second_factor_at=moments[1])  # type: ignore[arg-type]


def test_proofs_of_another_person_are_nobodys(ava: User) -> None:
    request = RequestFactory().get("/")
    request.user = make_user("sam")
    request.session = {  # type: ignore[assignment]
        "account_authentication_methods": [RECORD, TOTP], "account_authentication_methods_user": str(ava.pk),
        sessions.BEGAN_AT: T0,
    }  # fmt: skip
    assert sessions.sign_in_of(request) == SignIn(datetime.fromtimestamp(T0, UTC), None)


def test_a_request_knows_its_sign_in_unless_it_comes_with_a_key_or_from_nobody(ava: User) -> None:
    with_app(ava)
    client = entered()
    found = client.get("/runs/").wsgi_request.sign_in
    assert found.second_factor_at
    assert datetime.now(UTC) - found.second_factor_at < timedelta(minutes=1)
    key = api_keys.create(ava, name="k", scopes=["read"], days=1)[1]
    answer = client.get("/api/m1/runs", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.wsgi_request.sign_in) == (200, None)
    assert Client().get("/runs/").wsgi_request.sign_in is None


def test_stepping_up_asks_for_the_second_factor_and_leads_back(ava: User) -> None:
    step_up = "/accounts/confirm/?next=/runs/"
    assert "your account has none yet" in text_of(entered().get(step_up))
    with_app(ava)
    client = entered()
    asked = client.get(step_up)
    assert asked["Location"] == f"{CONFIRM}?next=%2Fruns%2F"
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD})["Location"] == CONFIRM, "no password does"
    assert client.post(asked["Location"], {"code": recovery_codes(ava)[0]})["Location"] == "/runs/"
    sign_in = client.get("/runs/").wsgi_request.sign_in
    assert sign_in.at == sign_in.second_factor_at
    away = entered_again(ava).get("/accounts/confirm/?next=https://evil.example/")
    assert away["Location"] == f"{CONFIRM}?next=%2F"


def entered_again(user: User) -> Client:
    """Sign in with a recovery code: the app's code of this half minute was used."""
    client = Client()
    give_password(client)
    client.post(STEP_TWO, {"code": recovery_codes(user)[0]})
    return client


@pytest.mark.parametrize("path", ["totp/activate/", "webauthn/add/", "recovery-codes/generate/", "recovery-codes/"])
def test_second_factors_are_shown_and_changed_only_after_confirming_who_one_is(ava: User, path: str) -> None:
    plain = entered()
    if not path.startswith("recovery"):
        assert plain.get(f"/accounts/2fa/{path}")["Location"].startswith("/accounts/reauthenticate/?next=")
    with_app(ava)
    confirm = entered().post(f"/accounts/2fa/{path}") if "generate" in path else None
    if confirm is not None:
        assert confirm["Location"].startswith(CONFIRM)
        assert events("signed_in") == ["second_factor_added"] * 2


def test_the_administrators_page_shows_no_secret_and_taking_a_factor_away_ends_the_sessions(ava: User) -> None:
    root = Client()
    root.force_login(make_user("root", is_staff=True, is_superuser=True))
    with_app(ava)
    theirs = entered()
    factor = Authenticator.objects.get(type="totp")
    shown = text_of(root.get(f"/admin/mfa/authenticator/{factor.pk}/change/"))
    assert "totp" in shown.lower()
    assert factor.data["secret"] not in shown
    assert root.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not is_in(theirs)
    told = AuditEvent.objects.get(action="user.second_factor_removed")
    assert (told.actor, told.subject) == (f"user:{User.objects.get(username='root').pk}", f"user:{ava.pk}")
    for model in ("account/emailaddress", "socialaccount/socialapp", "usersessions/usersession"):
        assert root.get(f"/admin/{model}/").status_code == 404
    assert root.get("/admin/password_change/")["Location"] == "/accounts/password/change/"
