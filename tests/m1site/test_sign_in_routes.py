"""Every route of allauth: either M1 does not have it, by intent, or it shows a page of M1, with nothing inline."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import allauth.urls
import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, URLResolver, reverse

import m1site.urls
from m1site.accounts.models import User
from m1site.accounts.templatetags.m1_accounts import browser
from tests.agents.pages import text_of
from tests.e2e.watch import Inline
from tests.factories import PASSWORD, make_user
from tests.m1site.doors import CONFIRM, entered, give_password, is_in, recovery_codes, with_app

pytestmark = pytest.mark.django_db

# Nobody signs up, M1 sends no mail, identities are linked by signing in with them, second factors are never skipped.
NOT_HERE = set(
    "account_signup account_email account_email_verification_sent account_confirm_email account_confirm_login_code "
    "account_reset_password_done account_reset_password_from_key account_reset_password_from_key_done "
    "socialaccount_signup socialaccount_connections socialaccount_login_error".split()
)
NOBODY, STARTED, PERSON, CONFIRMED = "nobody", "password given", "signed in", "confirmed"
SHOWN: dict[str, tuple[str, str, str]] = {
    "account_login": (NOBODY, "account/login.html", "Sign in to M1"),
    "account_inactive": (NOBODY, "account/account_inactive.html", "switched off"),
    "account_reset_password": (NOBODY, "account/password_reset.html", "sends no mail"),
    "socialaccount_login_cancelled": (NOBODY, "socialaccount/login_cancelled.html", "You cancelled"),
    "mfa_authenticate": (STARTED, "mfa/authenticate.html", "One more step"),
    "account_change_password": (PERSON, "account/password_change.html", "Change your password"),
    "account_set_password": (PERSON, "account/password_set.html", "no password here"),
    "mfa_reauthenticate": (PERSON, "mfa/reauthenticate.html", "Confirm that it is you"),
    "mfa_reauthenticate_webauthn": (PERSON, "mfa/webauthn/reauthenticate.html", "Use your passkey"),
    "mfa_list_webauthn": (PERSON, "mfa/webauthn/authenticator_list.html", "laptop"),
    "usersessions_list": (PERSON, "usersessions/usersession_list.html", "This one"),
    "mfa_deactivate_totp": (CONFIRMED, "mfa/totp/deactivate_form.html", "Remove the authenticator app?"),
    "mfa_view_recovery_codes": (CONFIRMED, "mfa/recovery_codes/index.html", "Recovery codes"),
    "mfa_generate_recovery_codes": (CONFIRMED, "mfa/recovery_codes/generate.html", "Make new recovery codes?"),
    "mfa_add_webauthn": (CONFIRMED, "mfa/webauthn/add_form.html", "Add a passkey"),
    "mfa_edit_webauthn": (CONFIRMED, "mfa/webauthn/edit_form.html", "Rename a passkey"),
    "mfa_remove_webauthn": (CONFIRMED, "mfa/webauthn/authenticator_confirm_delete.html", "Remove"),
}
# Pages that are shown to people without a second factor, and answers that are no pages.
OTHERS = {
    "account_reauthenticate", "mfa_activate_totp", "account_logout", "mfa_index", "mfa_login_webauthn",
    "mfa_download_recovery_codes",
}  # fmt: skip
CREDENTIAL = {
    "id": "AAAA", "rawId": "AAAA", "type": "public-key", "clientExtensionResults": {"credProps": {"rk": True}},
    "response": {},
}  # fmt: skip


def names(patterns: list[Any]) -> Iterator[str]:
    """Yield the names of allauth's own routes."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        elif pattern.name and pattern.callback.__module__.startswith("allauth."):
            yield pattern.name


def address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return reverse(name, kwargs={"pk": Authenticator.objects.get(type="webauthn").pk})


def test_every_route_of_allauth_is_here_or_is_not_by_intent() -> None:
    known = {name for name in names(allauth.urls.urlpatterns) if not name.startswith("openid_connect_")}
    known -= {"login", "logout"}  # second names of M1's own
    assert known - NOT_HERE == SHOWN.keys() | OTHERS
    ours = set(names(m1site.urls.urlpatterns)) - {"login", "logout"}
    assert ours <= SHOWN.keys() | OTHERS


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "confirm-email/", "3rdparty/", "3rdparty/signup/", "password/set/"]
)
def test_what_is_not_here_is_not_found(path: str) -> None:
    assert Client().get(f"/accounts/{path}").status_code == 404


@pytest.fixture
def ava(monkeypatch: pytest.MonkeyPatch) -> User:
    """A person with an app, and a passkey whose credential no page reads."""
    ava = with_app(make_user("ava"))
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda user: [])
    data = {"name": "laptop <b>", "credential": CREDENTIAL}
    Authenticator.objects.create(user=ava, type="webauthn", data=data)
    return ava


def visitor(ava: User, state: str) -> Client:
    """Return a browser that has come so far."""
    if state == NOBODY:
        return Client()
    if state == STARTED:
        client = Client()
        give_password(client)
        return client
    client = entered()
    if state == CONFIRMED:
        assert client.post(CONFIRM, {"code": recovery_codes(ava)[0]}).status_code == 302
    return client


def assert_ours(answer: HttpResponse, template: str, words: str) -> None:
    used: list[Any] = answer.templates  # type: ignore[attr-defined]
    pages = [one for one in used if one.name and not one.name.startswith("django/")]
    assert template in [one.name for one in pages]
    for one in pages:
        assert one.origin.name.startswith(f"{settings.BASE_DIR}/"), one.name
        assert ".venv" not in one.origin.name, one.name
    assert words in text_of(answer)
    assert Inline(answer.content.decode()).found == []
    assert "default-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("name", SHOWN)
def test_a_page_is_ours_and_keeps_the_policy(ava: User, name: str) -> None:
    state, template, words = SHOWN[name]
    client = visitor(ava, state)
    answer = client.get(address(name))
    assert answer.status_code == 200, answer.headers
    assert_ours(answer, template, words)
    assert "<b>" not in text_of(answer).replace("laptop <b>", ""), "names are escaped"
    if state != NOBODY:
        assert "no-store" in answer["Cache-Control"]
        assert Client().get(address(name)).status_code in (200, 302)
        assert not Client().get(address(name)).headers.get("Location", "/accounts/login/").startswith("/runs")


def test_the_pages_of_who_has_no_second_factor_are_ours_too() -> None:
    make_user("ava")
    client = entered()
    assert_ours(client.get("/accounts/"), "accounts/security.html", "You have no second factor")
    assert_ours(client.get("/accounts/confirm/"), "accounts/step_up.html", "A second factor is needed")
    page = client.get("/accounts/reauthenticate/?next=/accounts/2fa/totp/activate/")
    assert_ours(page, "account/reauthenticate.html", "Your password once more")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    assert_ours(page, "mfa/totp/activate_form.html", "I cannot scan it")
    assert '<svg class="qr"' in page.content.decode()
    assert "data:" not in page.content.decode()


def test_the_answers_that_are_no_pages(ava: User) -> None:
    client = visitor(ava, CONFIRMED)
    assert client.get("/accounts/2fa/")["Location"] == "/accounts/"
    assert client.get("/accounts/logout/").status_code == 405
    told = client.get("/accounts/2fa/recovery-codes/download/")
    assert (told["Content-Type"].partition(";")[0], "attachment" in told["Content-Disposition"]) == ("text/plain", True)
    assert all(one in told.content.decode() for one in recovery_codes(ava))
    login = "/accounts/2fa/webauthn/login/"
    assert Client().get(login)["Location"] == "/accounts/login/"
    options = Client().get(login, headers={"Accept": "application/json"}).json()["request_options"]["publicKey"]
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")


NONSENSE = [
    "", "{", "[]", "7", '"x"', "null", "{}", '{"response": []}', '{"response": {"userHandle": 7}}',
    '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"userHandle": "AAAA"}}',
    '{"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {"userHandle": "HANDLE", "signature": "AAAA",'
    ' "clientDataJSON": "e30", "authenticatorData": "AAAA"}}',
]  # fmt: skip


@pytest.mark.parametrize("path", ["login/", "reauthenticate/", "add/"])
def test_nonsense_for_a_passkey_is_refused_and_never_a_fault(ava: User, path: str) -> None:
    client = Client() if path == "login/" else visitor(ava, CONFIRMED)
    handle = urlsafe_b64encode(ava.pk.hex.encode()).decode().rstrip("=")
    client.get(f"/accounts/2fa/webauthn/{path}", headers={"Accept": "application/json"} if path == "login/" else {})
    for credential in NONSENSE:
        sent = {"credential": credential.replace("HANDLE", handle), "name": "x"}
        assert client.post(f"/accounts/2fa/webauthn/{path}", sent).status_code in (200, 302), credential
    assert Authenticator.objects.filter(type="webauthn").count() == 1
    assert path != "login/" or not is_in(client)


def test_a_person_cannot_touch_the_passkey_of_another(ava: User) -> None:
    path = address("mfa_remove_webauthn")
    eve = with_app(make_user("eve"))
    client = entered("eve")
    client.post(CONFIRM, {"code": recovery_codes(eve)[0]})
    assert (client.get(path).status_code, client.post(path).status_code) == (404, 404)
    assert client.post(address("mfa_edit_webauthn"), {"name": "mine"}).status_code == 404


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131 Safari/537.36",
         "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131 Safari/537.36 Edg/131", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/131 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"), ("<script>", "An unknown browser"), ("", "An unknown browser"),
    ],
)  # fmt: skip
def test_a_session_is_told_by_its_browser(user_agent: str, words: str) -> None:
    assert browser(user_agent) == words


def test_what_a_browser_says_of_itself_is_escaped() -> None:
    make_user("ava")
    page = entered(HTTP_USER_AGENT="<script>\u202e").get("/accounts/sessions/")
    assert "An unknown browser" in text_of(page)
    assert Inline(page.content.decode()).found == []
