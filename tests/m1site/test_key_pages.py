"""A person's own API keys on their page: made there, shown once, ended there, and nobody else's."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.test import Client

from audit.models import AuditEvent
from m1site.accounts import api_keys
from m1site.accounts.models import ApiKey, User
from tests.agents.pages import client_of, events_of, text_of
from tests.factories import make_user
from tests.m1site.rest import Rest, assert_problem, counts

pytestmark = pytest.mark.django_db
PAGE = "/accounts/keys/"
NEW = {"name": "laptop", "scopes": ["read", "decide"], "days": "30"}


def plain_on(page: str) -> str:
    """Return the key that the page shows."""
    found = re.search(r'<pre id="plain-key"[^>]*>(m1_[\w-]{43})</pre>', page)
    assert found
    return found[1]


def make(client: Client, **fields: object) -> tuple[ApiKey, str]:
    """Make a key by the form, and return it with its text."""
    page = client.post(PAGE, NEW | fields).content.decode()
    return ApiKey.objects.latest("created_at"), plain_on(page)


def call_with(plain: str) -> Rest:
    """Return a caller of REST with this key."""
    rest = Rest()
    rest.headers["Authorization"] = f"Bearer {plain}"
    return rest


def revoke_path(key: ApiKey) -> str:
    """Return where a key is ended."""
    return f"{PAGE}{key.pk}/revoke/"


def test_a_new_key_is_shown_once_and_kept_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    ava = make_user("ava", "approver")
    client = client_of(ava)
    answer = client.post(PAGE, NEW)
    plain = plain_on(answer.content.decode())
    secret = plain.removeprefix(ApiKey.objects.get().prefix)
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    assert secret not in str(answer.headers) + str(client.cookies) + caplog.text
    again = client.get(PAGE)
    assert "laptop" in text_of(again)
    assert secret not in again.content.decode()
    assert "no-store" in again["Cache-Control"]
    assert secret not in str([session.get_decoded() for session in Session.objects.all()])
    event = AuditEvent.objects.get(action="api_key.created")
    assert event.actor == f"user:{ava.pk}"
    assert secret.encode() not in bytes(event.payload.body)


def test_of_a_key_only_its_digest_and_its_beginning_are_in_the_database() -> None:
    ava = make_user("ava")
    key, plain = make(client_of(ava))
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert key.user == ava
    assert plain.removeprefix(key.prefix) not in str(row)
    assert plain.startswith(key.prefix)
    assert len(key.prefix) < 12
    assert (key.name, key.scopes) == ("laptop", ["read", "decide"])
    assert key.expires_at - key.created_at == timedelta(days=30)


def test_the_form_proposes_90_days_and_everything_but_to_operate() -> None:
    page = client_of(make_user("ava")).get(PAGE).content.decode()
    checked = re.findall(r'name="scopes" value="(\w+)"[^>]* checked', page)
    assert checked == ["read", "propose", "decide"]
    assert re.search(r'name="days" value="90"', page)


def test_a_key_works_at_once_within_its_scopes_and_not_after_it_was_revoked() -> None:
    ava = make_user("ava", "approver")
    client = client_of(ava)
    key, plain = make(client)
    rest = call_with(plain)
    assert rest.get("runs").status_code == 200
    assert_problem(rest.post("halts"), 403, "scope_missing")
    answer = client.post(revoke_path(key))
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert_problem(rest.get("runs"), 401, "invalid_api_key")
    assert events_of(key.pk) == ["api_key.created", "api_key.revoked"]
    text = text_of(client.get(PAGE))
    assert "Revoked" in text
    assert "Revoke…" not in text


def test_to_revoke_twice_changes_nothing_more() -> None:
    client = client_of(make_user("ava"))
    key, _ = make(client)
    client.post(revoke_path(key))
    first = ApiKey.objects.get().revoked_at
    assert client.post(revoke_path(key)).status_code == 302
    assert ApiKey.objects.get().revoked_at == first is not None
    assert events_of(key.pk) == ["api_key.created", "api_key.revoked"]


def test_a_look_at_the_address_revokes_nothing() -> None:
    client = client_of(make_user("ava"))
    key, plain = make(client)
    assert client.get(revoke_path(key)).status_code == 405
    assert api_keys.find(plain)


@pytest.mark.parametrize("fields", [{}, {"is_staff": True, "is_superuser": True}])
def test_the_key_of_another_is_not_there_and_stays_as_it_is(fields: dict[str, bool]) -> None:
    key, plain = make(client_of(make_user("ava")), name="key of ava")
    other = client_of(make_user("sam", **fields))
    before = ApiKey.objects.filter(pk=key.pk).values().get()
    assert other.post(revoke_path(key)).status_code == 404
    assert other.post(f"{PAGE}{uuid4()}/revoke/").status_code == 404
    assert "key of ava" not in text_of(other.get(PAGE))
    assert ApiKey.objects.filter(pk=key.pk).values().get() == before
    assert api_keys.find(plain)


def test_the_form_makes_keys_of_nobody_else() -> None:
    ava, sam = make_user("ava"), make_user("sam")
    key, _ = make(client_of(ava), user=str(sam.pk), actor=str(sam.pk), user_id=str(sam.pk))
    assert key.user == ava


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "all"]}, "scopes"),
        ({"days": ""}, "days"),
        ({"days": "0"}, "days"),
        ({"days": "-1"}, "days"),
        ({"days": "366"}, "days"),
        ({"days": "1.5"}, "days"),
        ({"days": "9" * 5000}, "days"),
    ],
)
def test_bad_input_makes_nothing_and_says_where(wrong: dict[str, object], field: str) -> None:
    client = client_of(make_user("ava"))
    before = counts()
    answer = client.post(PAGE, NEW | wrong)
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    page = answer.content.decode()
    assert 'class="error"' in page
    assert re.search(r'<details [^>]*id="make-fold" open', page)
    assert "m1_" not in page
    assert counts() == before


def test_an_empty_form_is_told_too() -> None:
    answer = client_of(make_user("ava")).post(PAGE, {})
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == ["name", "scopes", "days"]


def test_a_stranger_is_asked_to_sign_in_and_makes_nothing() -> None:
    key, _ = api_keys.create(make_user("ava"), name="mine", scopes=["read"], days=1)
    before = counts()
    for path in (PAGE, revoke_path(key)):
        for answer in (Client().get(path), Client().post(path, NEW)):
            assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={path}")
    assert counts() == before


def test_a_key_makes_no_further_keys() -> None:
    rest = Rest(make_user("ava"))
    assert rest.client.post(PAGE, NEW, headers=rest.headers).status_code == 302
    assert ApiKey.objects.count() == 1


def test_a_page_of_another_site_makes_and_ends_nothing() -> None:
    ava = make_user("ava")
    key, plain = api_keys.create(ava, name="mine", scopes=["read"], days=1)
    client = Client(enforce_csrf_checks=True)
    client.force_login(ava)
    for path in (PAGE, revoke_path(key)):
        assert client.post(path, NEW).status_code == 403
    assert ApiKey.objects.count() == 1
    assert api_keys.find(plain)


def test_a_service_account_has_no_page_of_keys() -> None:
    robot = User.objects.create(username="robot", kind=User.Kind.SERVICE)
    key, plain = api_keys.create(robot, name="mine", scopes=["read"], days=1)
    client = client_of(robot)
    for answer in (client.get(PAGE), client.post(PAGE, NEW), client.post(revoke_path(key))):
        assert answer.status_code == 403
    assert ApiKey.objects.count() == 1
    assert api_keys.find(plain)


def test_the_list_tells_how_each_key_stands() -> None:
    ava = make_user("ava")
    client = client_of(ava)
    for name in ("fresh", "past", "ended"):
        make(client, name=name)
    ApiKey.objects.filter(name="past").update(expires_at=Now())
    client.post(revoke_path(ApiKey.objects.get(name="ended")))
    rows = re.findall(r'<li class="card token (\w+)">.*?<bdi>(\w+)</bdi>', client.get(PAGE).content.decode(), re.DOTALL)
    assert rows == [("revoked", "ended"), ("expired", "past"), ("active", "fresh")]


def test_names_are_written_as_text_and_nothing_is_inline() -> None:
    client = client_of(make_user("ava"))
    name = "<script>alert(1)</script>"
    for answer in (client.post(PAGE, NEW | {"name": name}), client.get(PAGE)):
        page = answer.content.decode()
        assert "&lt;script&gt;alert(1)" in page
        for inline in ("<script>", " style=", "<style", " onclick=", "javascript:"):
            assert inline not in page
        assert "default-src 'self'" in answer["Content-Security-Policy"]
