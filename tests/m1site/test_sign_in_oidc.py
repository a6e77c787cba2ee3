"""Single sign-on by a real exchange with a provider on the loopback: whom it lets in, and everything it turns away."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from audit.models import AuditEvent
from m1site.accounts.models import User
from m1site.accounts.provider import identifier
from tests.agents.pages import text_of
from tests.factories import make_user
from tests.oidc_server import CLIENT_ID, CLIENT_SECRET, OTHER_KEY, RSA_KEY, SHOWN, OidcServer, signed

pytestmark = pytest.mark.django_db
AVA = {"email": "Ava@example.com", "email_verified": True}
BACK = "/accounts/oidc/login/callback/"
Claims = dict[str, Any]


@dataclass
class Visit:
    """A browser between M1 and the provider."""

    server: OidcServer
    client: Client

    def begin(self, query: str = "") -> dict[str, str]:
        """Go to the provider; return what M1 told it."""
        answer = self.client.get(f"/accounts/oidc/login/{query}")
        assert answer.status_code == 302, text_of(answer)
        assert answer["Location"].startswith(f"{self.server.url}/authorize?")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
        self.server.challenge = asked["code_challenge"]
        return asked

    def come_back(self, asked: dict[str, str], **claims: Any) -> HttpResponse:
        """Come back with a code for a token of these claims."""
        self.server.claims = self.server.honest(asked["nonce"], **claims)
        return self.client.get(BACK, {"code": "c", "state": asked["state"]})

    def sign_in(self, **claims: Any) -> HttpResponse:
        """Go there and come back."""
        return self.come_back(self.begin(), **claims)

    @property
    def name(self) -> str:
        """Who is signed in."""
        user_id = self.client.session.get("_auth_user_id")
        return User.objects.get(pk=user_id).username if user_id else ""


@pytest.fixture
def visit(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """A visitor of an M1 with a provider, where ava has an account."""
    monkeypatch.setenv("NO_PROXY", "*")
    make_user("ava", email="ava@example.com")
    with OidcServer() as server:
        settings.M1_OIDC_URL, settings.M1_OIDC_NAME = server.url, "Example"
        settings.M1_OIDC_CLIENT_ID, settings.M1_OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
        settings.M1_OIDC_LINK_BY = "email"
        yield Visit(server, Client())


def events() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


@pytest.mark.parametrize("kid", ["rsa", "ec"])
def test_a_verified_address_links_the_identity_and_signs_in(visit: Visit, kid: str) -> None:
    visit.server.grant = lambda claims: {"id_token": signed(claims, kid)}
    assert visit.sign_in(**AVA)["Location"] == "/"
    assert (visit.name, events()) == ("ava", ["user.identity_linked", "user.signed_in"])
    identity = SocialAccount.objects.get()
    kept = {"id_token": {"email": "Ava@example.com", "email_verified": True}}
    assert (identity.uid, identity.provider, identity.extra_data) == ("sub-1", identifier(), kept)


def test_a_linked_identity_stays_with_its_account_whatever_its_address_becomes(visit: Visit) -> None:
    visit.sign_in(**AVA)
    visit.client = Client()
    visit.sign_in(email="elsewhere@example.com", email_verified=False)
    assert (visit.name, SocialAccount.objects.count()) == ("ava", 1)


def test_what_m1_asks_for_is_bound_to_the_session_and_nothing_in_the_address_changes_it(visit: Visit) -> None:
    query = "?process=connect&scope=admin&auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example&next=/runs/"
    asked = visit.begin(query)
    assert asked["redirect_uri"] == "http://localhost:8000/accounts/oidc/login/callback/"
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT_ID, "S256")
    assert visit.come_back(asked, **AVA)["Location"] == "/runs/"
    assert visit.name == "ava"


def nobody(visit: Visit) -> None:
    """Have ava deleted from who can be found."""
    User.objects.update(email="")


def off(visit: Visit) -> None:
    User.objects.update(is_active=False)


def program(visit: Visit) -> None:
    User.objects.update(kind="service")


def two(visit: Visit) -> None:
    make_user("ava2", email="AVA@example.com")


def other(visit: Visit) -> None:
    SocialAccount.objects.create(user=User.objects.get(), provider=identifier(), uid="of-somebody-before")


@pytest.mark.parametrize(
    ("claims", "change"),
    [
        ({"email": "who@example.com", "email_verified": True}, None),
        ({"email": "ava@example.com"}, None),
        ({"email": "ava@example.com", "email_verified": False}, None),
        ({"email": "ava@example.com", "email_verified": "true"}, None),
        ({"email": ["ava@example.com"], "email_verified": True}, None),
        ({"email": "", "email_verified": True}, nobody),
        ({"preferred_username": "ava"}, None),
        ({}, None),
        (AVA, off),
        (AVA, program),
        (AVA, two),
        (AVA, other),
    ],
)
def test_who_cannot_be_linked_for_sure_is_told_so_and_nobody_is_made(
    visit: Visit, claims: Claims, change: Callable[[Visit], None] | None
) -> None:
    if change:
        change(visit)
    people, identities = User.objects.count(), SocialAccount.objects.count()
    answer = visit.sign_in(**claims)
    assert (answer.status_code, visit.name) == (403, "")
    assert "M1 has no account for you" in text_of(answer)
    assert (User.objects.count(), SocialAccount.objects.count()) == (people, identities)
    assert events() == ["user.sign_in_failed"]


def test_a_name_links_only_where_the_settings_say_so_and_only_exactly(visit: Visit, settings: Settings) -> None:
    settings.M1_OIDC_LINK_BY = "preferred_username"
    for claims in ({"preferred_username": "AVA"}, {"preferred_username": ""}, AVA, {"preferred_username": None}):
        assert visit.sign_in(**claims).status_code == 403
    assert visit.sign_in(preferred_username="ava").status_code == 302
    assert visit.name == "ava"


PUBLIC = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def unsigned(claims: Claims) -> str:
    return jwt.encode(claims, None, "none", headers={"kid": "rsa"})


@pytest.mark.parametrize(
    "grant",
    [
        lambda claims: {"id_token": signed({**claims, "nonce": "0" * 64})},
        lambda claims: {"id_token": signed({name: claims[name] for name in claims if name != "nonce"})},
        lambda claims: {"id_token": signed({**claims, "nonce": ["x"]})},
        lambda claims: {"id_token": signed({**claims, "aud": "another"})},
        lambda claims: {"id_token": signed({**claims, "aud": ["m1", "another"]})},
        lambda claims: {"id_token": signed({**claims, "aud": ["m1", "another"], "azp": "another"})},
        lambda claims: {"id_token": signed({**claims, "iss": "https://evil.example"})},
        lambda claims: {"id_token": signed({**claims, "exp": int(time.time()) - 3600})},
        lambda claims: {"id_token": signed({**claims, "iat": int(time.time()) + 3600})},
        lambda claims: {"id_token": signed({name: claims[name] for name in claims if name != "exp"})},
        lambda claims: {"id_token": signed({**claims, "sub": ""})},
        lambda claims: {"id_token": signed({**claims, "sub": "s" * 200})},
        lambda claims: {"id_token": signed({name: claims[name] for name in claims if name != "sub"})},
        lambda claims: {"id_token": signed(claims, key=OTHER_KEY)},
        lambda claims: {"id_token": signed(claims, "unknown", RSA_KEY, "RS256")},
        lambda claims: {"id_token": signed(claims, "rsa", RSA_KEY, "PS256")},
        lambda claims: {"id_token": signed(claims, "rsa", PUBLIC, "HS256")},
        lambda claims: {"id_token": signed(claims, "shown", SHOWN, "HS256")},
        lambda claims: {"id_token": unsigned(claims)},
        lambda claims: {"id_token": "a.b.c"},
        lambda claims: {"id_token": 7},
        lambda claims: {},
        lambda claims: ["a", "list"],
        lambda claims: b"no JSON",
        lambda claims: None,
    ],
)
def test_a_token_that_proves_nothing_signs_nobody_in(visit: Visit, grant: Callable[[Claims], Any]) -> None:
    visit.server.grant = grant
    answer = visit.sign_in(**AVA)
    assert (answer.status_code in (401, 502), visit.name) == (True, "")
    assert "The sign-in did not work" in text_of(answer)
    assert not SocialAccount.objects.exists()


def test_a_state_is_of_one_session_and_good_for_once(visit: Visit) -> None:
    asked = visit.begin()
    stranger = Visit(visit.server, Client())
    assert stranger.come_back(asked, **AVA).status_code == 401, "of another session"
    assert visit.come_back({**asked, "state": "made-up"}, **AVA).status_code == 401
    assert visit.client.get(BACK, {"code": "c"}).status_code == 401
    assert visit.come_back(asked, **AVA).status_code == 302
    visit.client.post("/accounts/logout/")
    assert visit.come_back(asked, **AVA).status_code == 401, "a second time"
    assert (visit.name, stranger.name) == ("", "")


def test_a_nonce_of_another_sign_in_of_the_same_session_is_refused(visit: Visit) -> None:
    first, second = visit.begin(), visit.begin()
    assert visit.come_back({**second, "nonce": first["nonce"]}, **AVA).status_code == 401


def test_an_address_may_come_from_userinfo_if_it_is_of_the_same_person(visit: Visit) -> None:
    visit.server.told = {"sub": "another", **AVA}
    assert visit.sign_in().status_code == 401
    visit.server.told = {"sub": "sub-1", **AVA}
    assert visit.sign_in().status_code == 302
    assert visit.name == "ava"


def test_cancelling_there_and_a_provider_that_is_somebody_else_or_away_get_a_page(visit: Visit) -> None:
    asked = visit.begin()
    answer = visit.client.get(BACK, {"error": "access_denied", "state": asked["state"]}, follow=True)
    assert "You cancelled the sign-in" in text_of(answer)
    visit.server.issuer = "https://evil.example"
    assert visit.client.get("/accounts/oidc/login/").status_code == 502
    visit.server.__exit__()
    assert visit.client.get("/accounts/oidc/login/").status_code == 502
    assert "The sign-in did not work" in text_of(visit.client.get("/accounts/oidc/login/"))


def test_without_a_provider_there_is_no_way_in_by_one(settings: Settings) -> None:
    assert settings.M1_OIDC_URL == ""
    assert [Client().get(path).status_code for path in ("/accounts/oidc/login/", BACK)] == [404, 404]
    assert "oidc" not in Client().get("/accounts/login/").content.decode()
