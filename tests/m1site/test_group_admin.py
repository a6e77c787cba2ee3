"""Groups in the admin: what hangs on a name keeps it, permissions are the superuser's, each edit is on the trail."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from audit.models import AuditEvent
from m1site.accounts.roles import ROLES
from tests.agents import steps
from tests.agents.pages import text_of
from tests.factories import groups_named, make_tool_call, make_user
from tests.m1site.desk import GROUPS, desk_of, edit, errors_on, page_of, told
from tests.m1site.test_account_admin import steps_policy
from tests.world import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def omar() -> Client:
    """The desk of an administrator, who is no superuser."""
    return desk_of("omar", "administrator")


@pytest.fixture
def root() -> Client:
    """The desk of a superuser."""
    return desk_of("root", is_superuser=True)


def permission(codename: str = "view_bodies") -> Permission:
    """Return a permission of M1."""
    return Permission.objects.get(codename=codename)


def delete(client: Client, group: Group) -> int:
    """Delete a group on its page; return the status."""
    return client.post(f"{GROUPS}{group.pk}/delete/", {"post": "yes"}).status_code


def test_an_administrator_makes_groups_that_rules_can_name_without_permissions(omar: Client) -> None:
    sent = {"name": "finance", "permissions": [str(permission().pk)]}
    assert omar.post(f"{GROUPS}add/", sent).status_code == 302
    group = Group.objects.get(name="finance")
    assert not group.permissions.exists()
    assert told("group.changed") == [
        {"before": {"name": None, "permissions": None}, "after": {"name": "finance", "permissions": []}, "is_new": True}
    ]
    assert AuditEvent.objects.get(action="group.changed").subject == f"group:{group.pk}"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "fin\u202eance", "Approver", "x" * 151, "finance\u200b"])
def test_a_name_that_no_rule_could_tell_from_others_is_refused(name: str, omar: Client) -> None:
    groups_named("approver")
    before = Group.objects.count()
    assert "name" in errors_on(omar.post(f"{GROUPS}add/", {"name": name}))
    assert Group.objects.count() == before


def test_a_role_is_neither_renamed_nor_deleted_by_anybody(omar: Client, root: Client) -> None:
    for client in (omar, root):
        edit(client, groups_named("approver")[0], name="else")
        assert [delete(client, group) for group in groups_named(*ROLES)] == [403] * len(ROLES)
    assert Group.objects.filter(name__in=ROLES).count() == len(ROLES)
    assert not told("group.changed")


def test_permissions_of_a_role_are_changed_by_superusers_only(omar: Client, root: Client) -> None:
    (group,) = groups_named("requester")
    kept = {"permissions": [str(one.pk) for one in group.permissions.all()]}
    more = {"permissions": [*kept["permissions"], str(permission().pk)]}
    edit(omar, group, **more)
    assert not group.permissions.filter(codename="view_bodies").exists() and not told("group.changed")
    edit(root, group, **more)
    assert group.permissions.filter(codename="view_bodies").exists()
    (facts,) = told("group.changed")
    assert set(facts["after"]["permissions"]) - set(facts["before"]["permissions"]) == {"agents.view_bodies"}


def test_a_group_keeps_its_name_once_somebody_is_in_it(omar: Client, root: Client) -> None:
    (group,) = groups_named("finace")
    edit(omar, group, name="finance")
    assert Group.objects.get(pk=group.pk).name == "finance" and len(told("group.changed")) == 1
    make_user("fin", "finance")
    for client in (omar, root):
        edit(client, group, name="approver2")
        assert "It has members and cannot be renamed." in text_of(client.get(page_of(group)))
    assert Group.objects.get(pk=group.pk).name == "finance" and len(told("group.changed")) == 1
    assert "fin" in text_of(omar.get(page_of(group))), "members are shown"


def test_a_group_that_a_rule_or_an_open_call_names_stays(root: Client, tmp_path: Any) -> None:
    steps.publish(make_world(tmp_path), steps_policy("legal", later="finance"))
    make_tool_call(groups=("board",))
    make_tool_call("approved", escalation_groups=["owners"])
    make_tool_call("rejected", groups=("past",))
    for name in ("legal", "finance", "contractors", "board", "owners"):
        (group,) = groups_named(name)
        edit(root, group, name=f"{name}2")
        assert delete(root, group) == 403, name
        assert "cannot be renamed or deleted" in text_of(root.get(page_of(group)))
        assert Group.objects.filter(name=name).exists()
    assert delete(root, groups_named("past")[0]) == 302


def test_to_delete_a_group_is_an_event_that_says_who_was_in_it(omar: Client, root: Client) -> None:
    make_user("fin", "finance")
    (group,) = groups_named("finance")
    assert delete(omar, group) == 403
    root.post(GROUPS, {"action": "delete_selected", "_selected_action": [str(group.pk)], "post": "yes"})
    assert Group.objects.filter(name="finance").exists(), "one at a time"
    assert delete(root, group) == 302 and not Group.objects.filter(name="finance").exists()
    (facts,) = told("group.changed")
    assert facts["is_deleted"] and facts["before"] == {
        "name": "finance", "permissions": [], "members": ["fin"], "member_count": 1
    }  # fmt: skip


def test_the_list_says_what_each_role_is_for(omar: Client) -> None:
    page = text_of(omar.get(GROUPS))
    assert all(role.purpose in page for role in ROLES.values())
