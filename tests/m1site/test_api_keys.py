"""API keys: shown once, hashed, scoped, expiring, revocable."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db.models.functions import Now
from django.test import Client

from audit.models import AuditEvent
from m1site.accounts import api_keys
from m1site.accounts.models import ApiKey, User
from tests.m1site.conftest import Site
from tests.m1site.rest import Rest, assert_problem


def test_the_key_itself_is_nowhere_in_the_database(site: Site) -> None:
    key, plain = api_keys.create(site.world.ava, name="mine", scopes=["read"], days=1)
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert plain not in str(row) and plain.removeprefix(key.prefix) not in str(row)
    event = AuditEvent.objects.get(action="api_key.created")
    assert plain.encode() not in bytes(event.payload.body)
    assert event.subject == f"api_key:{key.pk}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"revoked_at": Now()},
        {"expires_at": Now()},
        {"digest": "0" * 64},
    ],
)
def test_a_key_that_has_ended_opens_nothing_at_once(site: Site, wrong: dict[str, object]) -> None:
    ava = site.ava
    assert ava.get("runs").status_code == 200
    ApiKey.objects.filter(pk=ava.key.pk).update(**wrong)
    answer = ava.get("runs")
    assert_problem(answer, 401, "invalid_api_key")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_key_of_a_deactivated_account_opens_nothing_at_once(site: Site) -> None:
    ava = site.ava
    assert ava.get("runs").status_code == 200
    User.objects.filter(pk=site.world.ava.pk).update(is_active=False)
    assert_problem(ava.get("runs"), 401, "invalid_api_key")
    User.objects.filter(pk=site.world.ava.pk).update(is_active=True)
    assert ava.get("runs").status_code == 200


def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(site: Site) -> None:
    rest, answers = Rest(), set()
    revoked, expired, gone, good = site.ava, site.ava, site.riley, site.ava
    ApiKey.objects.filter(pk=revoked.key.pk).update(revoked_at=Now())
    ApiKey.objects.filter(pk=expired.key.pk).update(expires_at=Now())
    User.objects.filter(pk=site.world.riley.pk).update(is_active=False)
    last = "A" if good.plain[-1] != "A" else "B"
    for header in (
        "", "Bearer", "Bearer ", "Bearer m1_", f"Bearer {revoked.plain}", "Bearer m1_" + "x" * 5000, "Basic YTpi",
        "Bearer eyJhbGciOiJub25lIn0.e30.", f"Token {good.plain}", "Bearer m1_é", f"Bearer {expired.plain}",
        f"Bearer {gone.plain}", "Bearer m1_" + "x" * 43, f"Bearer {good.plain[:-1]}{last}", f"Bearer {good.key.prefix}",
        f"Bearer {good.key.digest}", f"Bearer m1_{good.key.digest}", f"Bearer {good.plain}x",
    ):  # fmt: skip
        rest.headers["Authorization"] = header
        answer = rest.get("runs")
        assert_problem(answer, 401, "invalid_api_key")
        answers.add(answer.content)
    assert len(answers) == 1


def test_a_wrong_key_does_not_fall_back_to_the_session(site: Site) -> None:
    client = Client()
    client.force_login(site.world.ava)
    assert client.get("/api/m1/runs").status_code == 200
    assert_problem(client.get("/api/m1/runs", headers={"Authorization": "Bearer m1_wrong"}), 401, "invalid_api_key")


def test_a_key_opens_no_page(site: Site) -> None:
    answer = Client().get("/runs/", headers=site.ava.headers)
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("read", "GET", "runs"),
        ("read", "GET", "audit/events"),
        ("propose", "POST", "runs"),
        ("decide", "POST", "preauthorizations"),
        ("operate", "POST", "halts"),
        ("decide", "POST", "tool-calls/00000000-0000-0000-0000-000000000001/approve"),
        ("read", "GET", "policy/draft"),
        ("read", "POST", "policy/test"),
        ("policy", "PUT", "policy/draft"),
        ("policy", "POST", "policy/draft/reset"),
        ("policy", "POST", "policy/draft/publish"),
    ],
)
def test_a_key_does_what_its_scopes_say_and_no_more(site: Site, scope: str, method: str, path: str) -> None:
    without = Rest(site.world.ava, scopes=tuple(other for other in api_keys.SCOPES if other != scope))
    problem = assert_problem(without.raw(method, path, b"{}"), 403, "scope_missing")
    assert scope in problem["detail"]
    allowed = Rest(site.world.ava, scopes=(scope,)).raw(method, path, b"{}")
    assert b"scope_missing" not in allowed.content


def test_its_use_is_noted_at_most_once_a_minute(site: Site) -> None:
    ava = site.ava
    ava.get("runs")
    first = ApiKey.objects.get(pk=ava.key.pk).last_used_at
    ava.get("runs")
    assert ApiKey.objects.get(pk=ava.key.pk).last_used_at == first is not None
    ApiKey.objects.update(last_used_at=Now() - timedelta(minutes=2))
    ava.get("runs")
    noted = ApiKey.objects.get(pk=ava.key.pk).last_used_at
    assert noted is not None and first is not None and noted >= first


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"name": "a\nb"}, {"scopes": []}, {"scopes": ["all"]}, {"days": 0}, {"days": 10_000}]
)
def test_a_key_that_cannot_be_is_refused(site: Site, wrong: dict[str, object]) -> None:
    fields: dict[str, object] = {"name": "mine", "scopes": ["read"], "days": 1} | wrong
    with pytest.raises(api_keys.ApiKeyRefusedError):
        api_keys.create(site.world.ava, **fields)  # type: ignore[arg-type]
    assert not ApiKey.objects.exists()


def staff(user: User, *permissions: str) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


NEW = {"name": "robot's", "scopes": ["read", "propose"], "days": "30"}


def test_the_admin_shows_a_new_key_once(site: Site) -> None:
    client = staff(site.world.ava, "add_apikey", "view_apikey", "change_apikey")
    answer = client.post("/admin/accounts/apikey/add/", {**NEW, "user": str(site.robot.pk)})
    key = ApiKey.objects.get()
    assert answer.status_code == 200
    plain = answer.content.decode().split("<pre>")[1].split("</pre>")[0]
    found = api_keys.find(plain)
    assert found is not None and found.pk == key.pk and found.user == site.robot
    assert key.scopes == ["read", "propose"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert plain not in client.get(f"/admin/accounts/apikey/{key.pk}/change/").content.decode()
    assert plain not in str(client.cookies)
    assert AuditEvent.objects.get(action="api_key.created").actor == f"user:{site.world.ava.pk}"


def test_nobody_makes_a_key_of_another_person_not_even_a_superuser(site: Site) -> None:
    User.objects.filter(pk=site.world.ava.pk).update(is_superuser=True)
    client = staff(site.world.ava)
    answer = client.post("/admin/accounts/apikey/add/", {**NEW, "user": str(site.world.sam.pk)})
    assert answer.status_code == 200
    assert not ApiKey.objects.exists()


def test_the_admin_revokes_and_never_deletes_or_edits(site: Site) -> None:
    robot = Rest(site.robot)
    client = staff(site.world.ava, "view_apikey", "change_apikey", "delete_apikey")
    address = f"/admin/accounts/apikey/{robot.key.pk}"
    client.post(f"{address}/change/", {"name": "else", "scopes": "[]", "digest": "0"})
    assert client.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    assert robot.get("runs").status_code == 200
    client.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [str(robot.key.pk)]})
    assert_problem(robot.get("runs"), 401)
    assert AuditEvent.objects.filter(action="api_key.revoked").count() == 1
