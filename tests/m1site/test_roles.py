"""Roles: who may what, made by a migration, brought back without taking anything; and programs, which never decide."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.test import Client

from agents.models import Decision, ToolCall
from m1site.accounts import roles
from m1site.accounts.models import User
from m1site.accounts.roles import EACH, ROLES, SEEN_APPS
from m1site.demo import people
from policy.models import ApprovalToken
from tests.agents.pages import answer_to, client_of, path_of
from tests.factories import groups_named, make_user
from tests.m1site.conftest import Site, decision
from tests.m1site.rest import Rest, assert_problem
from tests.m1site.test_bad_input import GOOD, method

pytestmark = pytest.mark.django_db
DEMO = {
    "riley": {"requester"}, "ava": {"approver", "auditor", "policy publisher"}, "sam": {"approver", "policy author"},
    "omar": {"operator", "administrator", "break-glass"},
}  # fmt: skip


def permissions(*, seen: bool = False) -> set[str]:
    """Return all permissions, or those to look at rows of M1's own."""
    rows = Permission.objects.values_list("content_type__app_label", "codename", "content_type__model")
    return {f"{app}.{name}" for app, name, of in rows if not seen or (app in SEEN_APPS and name == f"view_{of}")}


def held(role: str) -> set[str]:
    """Return what the members of a role may."""
    (group,) = groups_named(role)
    return {f"{app}.{name}" for app, name in group.permissions.values_list("content_type__app_label", "codename")}


def test_everything_that_the_table_names_exists() -> None:
    named = {name for role in ROLES.values() for name in role.may if not name.endswith(f"_{EACH}")}
    assert named - permissions() == set()


def test_a_role_holds_what_the_table_says_and_nothing_else() -> None:
    for name, role in ROLES.items():
        wanted = {one for one in role.may if not one.endswith(f"_{EACH}")}
        for pattern in role.may - wanted:
            app = pattern.partition(".")[0]
            wanted |= {one for one in permissions(seen=True) if one.startswith(f"{app}.")}
        assert held(name) == wanted, name


@pytest.mark.parametrize(
    ("permission", "holders"),
    [
        ("agents.view_bodies", {"auditor", "break-glass"}),
        ("agents.view_oversight", {"auditor"}),
        ("agents.add_halt", {"operator", "administrator"}),
        ("agents.change_agent", {"administrator"}),
        ("accounts.change_user", {"administrator"}),
        ("accounts.add_apikey", {"administrator"}),
        ("accounts.view_user", {"administrator", "auditor"}),
        ("auth.change_group", {"administrator"}),
        ("auth.delete_group", set()),
        ("auth.change_permission", set()),
        ("accounts.delete_user", set()),
        ("audit.view_auditevent", {"administrator", "auditor"}),
        ("policy.add_approvaltoken", {"approver"}),
        ("policy.change_approvaltoken", {"administrator"}),
        ("policy.change_toolversion", {"administrator", "operator"}),
        ("policy.change_rule", {"policy author"}),
        ("policy.add_policyversion", {"policy publisher"}),
        ("agents.change_toolcall", set()),
        ("agents.add_decision", set()),
        ("agents.add_agentrun", {"requester"}),
    ],
)
def test_who_holds_what(permission: str, holders: set[str]) -> None:
    assert {name for name in ROLES if permission in held(name)} == holders


def test_an_auditor_sees_every_kind_of_row_and_changes_none() -> None:
    assert permissions(seen=True) <= held("auditor")
    assert all(name.partition(".")[2].startswith("view_") for name in held("auditor"))
    assert len([name for name in held("auditor") if name.startswith("agents.")]) > 10


def test_to_install_again_changes_nothing_and_takes_nothing_away() -> None:
    (requester,) = groups_named("requester")
    added = Permission.objects.get(codename="view_policyversion")
    requester.permissions.add(added)
    own = Group.objects.create(name="finance")
    before = {name: held(name) for name in ROLES}
    roles.install()
    assert {name: held(name) for name in ROLES} == before
    assert added in requester.permissions.all() and not own.permissions.exists()
    assert Group.objects.count() == len(ROLES) + 1


def test_what_a_role_lacks_comes_back() -> None:
    (approver,) = groups_named("approver")
    approver.permissions.clear()
    groups_named("operator")[0].delete()
    roles.install()
    assert "policy.add_approvaltoken" in held("approver") and "agents.add_halt" in held("operator")


def test_the_migration_makes_them_where_there_are_no_permissions_yet() -> None:
    Group.objects.all().delete()
    Permission.objects.all().delete()
    state = MigrationLoader(connection).project_state(("m1site", "0002_roles"))
    roles.install_in_migration(state.apps, None)
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)
    assert {"agents.add_agentrun", "agents.view_agentrun"} == held("requester")
    assert {"accounts.change_user", "agents.view_halt", "auth.change_group"} <= held("administrator")


def test_the_people_of_the_demo_are_in_their_roles() -> None:
    with transaction.atomic():
        passwords = people.create()
    assert set(passwords) == set(DEMO)
    for name, groups in DEMO.items():
        person = User.objects.get(username=name)
        assert set(person.groups.values_list("name", flat=True)) == groups
        assert (person.is_staff, person.is_superuser) == (name != "riley", False)
        assert person.check_password(passwords[name])
    assert {role for groups in DEMO.values() for role in groups} == set(ROLES), "every role has somebody in it"
    told = re.findall(r"^\| `(\w+)` \| ([a-z, -]+) \|$", Path("README.md").read_text(), re.M)
    assert {name: set(groups.split(", ")) for name, groups in told} == DEMO


def test_the_page_about_roles_says_what_the_table_says() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \| (yes|no) \|$", Path("docs/roles.md").read_text(), re.M)
    told = {name: (purpose, set(re.findall(r"`([^`]+)`", may)), kept) for name, purpose, may, kept in rows}
    table = {
        name: (role.purpose, set(role.may), "yes" if role.people_only else "no") for name, role in ROLES.items()
    }  # fmt: skip
    assert told == table


@pytest.fixture
def program(site: Site) -> User:
    """A service account that somebody put into every group, with every permission, past all forms."""
    account = User.objects.create(username="bot", kind=User.Kind.SERVICE)
    account.groups.set(groups_named(*ROLES))
    account.user_permissions.set(Permission.objects.all())
    return account


DECIDING = [path for path in GOOD if path.startswith(("tool-calls/", "preauthorizations", "policy/draft"))]


def test_a_program_in_every_group_decides_nothing_over_rest(site: Site, program: User) -> None:
    call, rest = site.pending(), Rest(program)
    for path in DECIDING:
        body = GOOD[path] | (decision(call) if "argumentsDigest" in GOOD[path] else {})
        answer = rest.raw(method(path), path.format(call=call.pk), json.dumps(body).encode())
        assert 400 <= answer.status_code < 500, (path, answer.content)
        assert_problem(answer, answer.status_code)
    call.refresh_from_db()
    assert (call.status, call.revision) == ("pending", 1)
    assert not Decision.objects.exists() and not ApprovalToken.objects.exists()
    assert len(DECIDING) >= 7


def filled_in(client: Client, call: ToolCall, answer: str) -> dict[str, Any]:
    """Return the form on the page of a call, answered: what is hidden in it, and what a person writes."""
    page = client.get(path_of(call)).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return hidden | answer_to(call, answer, comment="It is right.", reason="It is right.")


def test_a_program_in_every_group_decides_nothing_on_pages_and_in_the_admin(site: Site, program: User) -> None:
    call, client = site.pending(), client_of(program)
    seen = f"{call.pk}:{call.round}:{call.arguments_digest}"
    chosen: dict[str, Any] = {"action": "approve", "_selected_action": [str(call.pk)], "confirmed": "yes", "seen": seen}
    for answer in ("approve", "reject"):
        client.post(path_of(call), filled_in(client, call, answer))
        assert client.post("/admin/agents/toolcall/", chosen | {"action": answer, "comment": "x"}).status_code == 302
    call.refresh_from_db()
    assert call.status == "pending" and not Decision.objects.exists()
    eve = client_of(make_user("eve", "approver"))
    eve.post(path_of(call), filled_in(eve, call, "approve"))
    assert Decision.objects.count() == 1, "the form was right"


def test_every_app_with_permissions_is_one_that_auditors_see() -> None:
    ours = {config.label for config in apps.get_app_configs() if config.name.split(".")[0] in ("m1site", *SEEN_APPS)}
    assert ours == set(SEEN_APPS)
