"""A key replaced by its successor: the same name and scopes, both for a day, on its own page and in the admin."""

import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from audit import clock
from m1site.accounts import api_keys
from m1site.accounts.models import ApiKey, User
from tests.agents.pages import client_of, text_of
from tests.factories import make_user
from tests.m1site.desk import desk_of, told
from tests.m1site.rest import Rest, assert_problem

pytestmark = pytest.mark.django_db
ADMIN = "/admin/accounts/apikey/"


def status_with(plain: str) -> int:
    """Return what REST answers to a key."""
    rest = Rest()
    rest.headers["Authorization"] = f"Bearer {plain}"
    return int(rest.get("runs").status_code)


def replace(client: Client, key: ApiKey) -> tuple[int, str]:
    """Replace a key on its owner's page; return the status and the new key."""
    answer = client.post(f"/accounts/keys/{key.pk}/replace/")
    found = re.search(r'<pre id="plain-key"[^>]*>(m1_[\w-]{43})</pre>', answer.content.decode())
    return answer.status_code, found[1] if found else ""


def test_the_successor_is_shown_once_and_the_old_key_goes_on_for_a_day() -> None:
    ava = make_user("ava", "approver")
    old, plain = api_keys.create(ava, name="laptop", scopes=["read", "decide"], days=90)
    status, fresh = replace(client_of(ava), old)
    assert status == 201 and fresh != plain
    made = ApiKey.objects.exclude(pk=old.pk).get()
    assert (made.name, made.scopes, made.user_id) == ("laptop", ["read", "decide"], ava.pk)
    assert timedelta(days=89) < made.expires_at - made.created_at <= timedelta(days=90)
    assert (status_with(plain), status_with(fresh)) == (200, 200)
    old.refresh_from_db()
    assert timedelta(hours=23) < old.expires_at - clock.now() <= timedelta(hours=24)
    (facts,) = told("api_key.replaced")
    assert facts["successor"] == str(made.pk) and fresh not in str(facts)
    assert fresh.removeprefix(made.prefix) not in client_of(ava).get("/accounts/keys/").content.decode()


def test_a_key_that_ends_sooner_is_not_made_to_last() -> None:
    ava = make_user("ava")
    old, _ = api_keys.create(ava, name="laptop", scopes=["read"], days=1)
    soon = clock.now() + timedelta(hours=2)
    ApiKey.objects.filter(pk=old.pk).update(expires_at=soon)
    replace(client_of(ava), old)
    old.refresh_from_db()
    assert old.expires_at == soon


@pytest.mark.parametrize("ended", [{"revoked_at": Now()}, {"expires_at": Now()}])
def test_a_key_that_has_ended_has_no_successor(ended: dict[str, object]) -> None:
    ava = make_user("ava")
    old, _ = api_keys.create(ava, name="laptop", scopes=["read"], days=1)
    ApiKey.objects.filter(pk=old.pk).update(**ended)
    assert replace(client_of(ava), old) == (409, "")
    assert ApiKey.objects.count() == 1 and not told("api_key.replaced")


def test_nobody_replaces_the_key_of_another_person() -> None:
    old, _ = api_keys.create(make_user("ava"), name="laptop", scopes=["read"], days=1)
    assert replace(client_of(make_user("eve")), old) == (404, "")
    chosen = {"action": "replace", "_selected_action": [str(old.pk)]}
    for desk in (desk_of("omar", "administrator"), desk_of("root", is_superuser=True)):
        assert "Choose one key" in text_of(desk.post(ADMIN, chosen, follow=True))
    assert client_of(make_user("mia")).get(f"/accounts/keys/{old.pk}/replace/").status_code == 405
    assert ApiKey.objects.count() == 1


def test_an_administrator_replaces_the_key_of_a_program() -> None:
    robot = User.objects.create(username="robot", kind="service")
    old, plain = api_keys.create(robot, name="robot's", scopes=["propose", "read"], days=30)
    gone, _ = api_keys.create(robot, name="gone", scopes=["read"], days=1)
    ApiKey.objects.filter(pk=gone.pk).update(revoked_at=Now())
    omar = desk_of("omar", "administrator")
    page = omar.post(ADMIN, {"action": "replace", "_selected_action": [str(old.pk)]})
    fresh = page.content.decode().split("<pre>")[1].split("</pre>")[0]
    assert "no-store" in page["Cache-Control"] and fresh not in str(omar.cookies)
    assert (status_with(plain), status_with(fresh)) == (200, 200)
    before = ApiKey.objects.count()
    omar.post(ADMIN, {"action": "replace", "_selected_action": [str(gone.pk)]})
    omar.post(ADMIN, {"action": "replace", "_selected_action": [str(old.pk), str(gone.pk)]})
    auditor = desk_of("audrey", "auditor")
    auditor.post(ADMIN, {"action": "replace", "_selected_action": [str(old.pk)]})
    assert ApiKey.objects.count() == before


def test_what_is_told_of_the_state_of_a_key_is_true() -> None:
    ava = make_user("ava")
    _, plain = api_keys.create(ava, name="laptop", scopes=["read"], days=1)
    assert "never" in text_of(client_of(ava).get("/accounts/keys/"))
    assert_problem(Rest().get("runs"), 401)
    assert status_with(plain) == 200
    assert ApiKey.objects.get().last_used_at is not None
    assert "never" not in text_of(client_of(ava).get("/accounts/keys/"))
