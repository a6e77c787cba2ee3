"""Whatever somebody sends along with a form or a body, nobody's rights change by it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from agents.models import ToolCall
from m1site.accounts.models import User
from m1site.accounts.roles import ROLES
from tests.agents.pages import client_of
from tests.factories import PASSWORD, groups_named
from tests.m1site.conftest import Site, decision
from tests.m1site.desk import NEW_PASSWORD, rights
from tests.m1site.rest import Rest, assert_problem
from tests.m1site.test_bad_input import GOOD, send

pytestmark = pytest.mark.django_db
FIELDS: dict[str, Any] = {
    "is_staff": True, "is_superuser": True, "is_active": False, "kind": "service", "groups": ["administrator"],
    "user_permissions": ["agents.view_bodies"], "password": "md5$x$0", "username": "mallory", "id": "0", "user": "ava",
}  # fmt: skip
NOT_EDITING = ("logout", "sessions/", "static", "jsi18n")  # those that end the session, and those that only show


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """Yield the pattern of every page."""
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from routes(one, route)
        elif isinstance(one, URLPattern):
            yield route


def address(route: str, site: Site, call: ToolCall) -> str:
    """Return an address of the route, about things that exist and about the person who asks."""
    found = f"/{route}".replace("^", "").replace("$", "")
    for name, value in {
        "<uuid:request_id>": call.pk, "<uuid:run_id>": call.run_id, "<path:object_id>": site.world.ava.pk,
        "<id>": site.world.ava.pk, "<int:number>": 1,
    }.items():  # fmt: skip
        found = found.replace(name, str(value))
    while "<" in found:
        found = found.partition("<")[0] + str(site.world.ava.pk) + found.partition("<")[2].partition(">")[2]
    return found


def everyone() -> dict[str, dict[str, Any]]:
    """Return the rights of all accounts."""
    return {user.username: rights(user) for user in User.objects.all()}


@pytest.fixture
def wanted() -> dict[str, Any]:
    """What a form is sent that wants to change rights, in all the ways that Django would read them."""
    groups = [str(group.pk) for group in groups_named("administrator", "auditor")]
    more = {"_selected_action": groups, "action": "delete_selected", "post": "yes", "name": "mallory", "days": "1"}
    bodies = str(Permission.objects.get(codename="view_bodies").pk)
    return {
        **FIELDS, "is_staff": "on", "is_superuser": "on", "is_active": "", "groups": groups, "answer": "approve",
        "user_permissions": [bodies], "permissions": [bodies], "goal": "x", "agent": "demo", "comment": "x",
        **NEW_PASSWORD, **more,
    }  # fmt: skip


def test_no_page_of_m1_changes_rights_for_who_is_no_administrator(site: Site, wanted: dict[str, Any]) -> None:
    call = site.pending()
    User.objects.filter(pk=site.world.ava.pk).update(is_staff=True)
    site.world.ava.groups.set(groups_named(*sorted(set(ROLES) - {"administrator"})))
    before, client, tried = everyone(), client_of(site.world.ava), 0
    for route in routes(get_resolver()):
        if route.startswith("api/") or any(word in route for word in NOT_EDITING):
            continue
        answer = client.post(address(route, site, call), wanted | decision(call))
        assert answer.status_code < 500, (route, answer.content[-2000:])
        tried += 1
    assert everyone() == before
    assert tried > 80, "the admin's pages and M1's own"
    assert client.get("/runs/").status_code == 200, "signed in to the end"


def test_no_body_of_rest_takes_a_field_of_an_account(site: Site) -> None:
    call, external = site.pending(), site.run()
    paths = {"run": call.run_id, "call": call.pk, "external": external.pk, "jti": site.world.preauthorize().pk}
    named = {name: str(value) for name, value in paths.items()}
    site.world.ava.groups.set(groups_named(*sorted(set(ROLES) - {"administrator"})))
    before, ava, robot = everyone(), Rest(site.world.ava), Rest(site.robot)
    for path in GOOD:
        answer = send(robot if "external" in path else ava, path, named, GOOD[path] | FIELDS)
        problem = assert_problem(answer, 400, "invalid_field")
        assert FIELDS.keys() <= {one["field"] for one in problem["errors"]}, (path, problem)
    assert everyone() == before


def test_signing_in_and_making_a_key_give_nothing_else(site: Site, wanted: dict[str, Any]) -> None:
    client, before = Client(), everyone()
    fields = wanted | {"username": "ava", "login": "ava", "password": PASSWORD}
    client.post("/accounts/login/", fields)
    answer = client.post("/accounts/keys/", wanted | {"name": "laptop", "scopes": ["read"], "days": "5"})
    assert answer.status_code == 201 and site.world.ava.api_keys.get().scopes == ["read"]
    assert everyone() == before
