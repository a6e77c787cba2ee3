"""Accounts in the admin: who may change what of whom, each edit on the trail, and rights of one's own by nobody."""

from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from agents.models import ToolCall
from audit.models import AuditEvent
from m1site.accounts.models import User
from m1site.accounts.roles import ROLES
from tests.agents import steps
from tests.agents.pages import client_of, text_of
from tests.factories import groups_named, make_run, make_tool_call, make_user
from tests.m1site.desk import (
    GROUPS,
    NEW_PASSWORD,
    PASSWORD,
    USERS,
    desk_of,
    edit,
    errors_on,
    form_on,
    groups_of,
    page_of,
    rights,
    told,
)
from tests.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def omar() -> Client:
    """The desk of an administrator, who is no superuser."""
    return desk_of("omar", "administrator", "operator")


@pytest.fixture
def root() -> Client:
    """The desk of a superuser."""
    return desk_of("root", is_superuser=True)


@pytest.fixture
def sam() -> User:
    """Somebody who approves."""
    return make_user("sam", "approver", email="sam@example.com")


def everything(**more: Any) -> dict[str, Any]:
    """Return what somebody sends who wants more than the form offers."""
    groups = [str(group.pk) for group in groups_named(*ROLES)]
    return {
        "is_staff": "on", "is_superuser": "on", "is_active": "on", "kind": "service", "groups": groups,
        "user_permissions": [str(Permission.objects.get(codename="view_bodies").pk)], "username": "mallory",
        "email": "mallory@example.com", "password": "md5$x$0", **NEW_PASSWORD, **more,
    }  # fmt: skip


def test_an_administrator_moves_people_between_groups_and_switches_them_off(omar: Client, sam: User) -> None:
    assert edit(omar, sam, groups=groups_named("auditor", "requester"), is_active=None).status_code == 302
    assert groups_of(sam) == {"auditor", "requester"} and not User.objects.get(pk=sam.pk).is_active
    (facts,) = told("user.changed")
    assert facts["before"] == {"groups": ["approver"], "is_active": True}
    assert facts["after"] == {"groups": ["auditor", "requester"], "is_active": False}
    event = AuditEvent.objects.get(action="user.changed")
    assert event.actor == f"user:{User.objects.get(username='omar').pk}" and event.subject == f"user:{sam.pk}"


def test_of_others_an_administrator_changes_names_groups_and_access_and_nothing_else(omar: Client, sam: User) -> None:
    before = rights(sam)
    edit(omar, sam, **everything(first_name="Sam", last_name="S."))
    after = rights(sam)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"first_name", "last_name", "is_staff", "groups"}


def test_a_superuser_changes_the_rest_but_never_what_kind_of_account_it_is(root: Client, sam: User) -> None:
    sent = everything() | {"kind": "service", "first_name": "Sam"}
    assert edit(root, sam, **sent).status_code == 302
    after = rights(sam)
    assert (after["username"], after["email"], after["is_superuser"]) == ("mallory", "mallory@example.com", True)
    assert after["user_permissions"] == ["view_bodies"] and after["kind"] == "person"
    assert User.objects.get(pk=sam.pk).check_password("a-long-password-1")


@pytest.mark.parametrize("name", ["omar", "root"])
def test_nobody_changes_rights_of_their_own(name: str, omar: Client, root: Client) -> None:
    client, own = {"omar": omar, "root": root}[name], User.objects.get(username=name)
    before = rights(own)
    edit(client, own, **everything(first_name="Me", is_active=None))
    assert rights(own) == before | {"first_name": "Me"}
    assert client.post(f"{USERS}{own.pk}/password/", NEW_PASSWORD).status_code == 403
    assert rights(own) == before | {"first_name": "Me"}


def test_the_account_of_a_superuser_is_for_superusers(omar: Client, root: Client, sam: User) -> None:
    chief = make_user("chief", is_superuser=True)
    before = rights(chief)
    assert omar.get(page_of(chief)).status_code == 200, "it may be looked at"
    assert omar.post(page_of(chief), everything()).status_code == 403
    for one in (chief, sam):
        assert omar.post(f"{USERS}{one.pk}/password/", NEW_PASSWORD).status_code == 403
    assert rights(chief) == before and not told("user.changed")
    edit(root, chief, is_active=None)
    assert not User.objects.get(pk=chief.pk).is_active


def test_passwords_of_others_are_the_superuser_s_and_never_on_the_trail(root: Client, sam: User) -> None:
    program = User.objects.create(username="bot", kind="service")
    assert root.post(f"{USERS}{sam.pk}/password/", NEW_PASSWORD).status_code == 302
    assert User.objects.get(pk=sam.pk).check_password(PASSWORD)
    assert told("user.changed") == [{"is_password_changed": True}]
    assert root.post(f"{USERS}{program.pk}/password/", NEW_PASSWORD).status_code == 403
    assert root.get(f"{USERS}{sam.pk}/password/").status_code == 200 and len(told("user.changed")) == 1


@pytest.mark.parametrize(
    "among", [["approver"], sorted(set(ROLES) - {"administrator"})], ids=["approver", "all others"]
)
def test_who_is_no_administrator_changes_no_account(among: list[str], sam: User) -> None:
    client = desk_of("eve", *among)
    own, group = User.objects.get(username="eve"), groups_named("administrator")[0]
    before = [rights(own), rights(sam)]
    for address in (page_of(own), page_of(sam), page_of(group), f"{USERS}add/", f"{GROUPS}add/"):
        assert client.post(address, everything(name="administrator")).status_code == 403, address
    for user in (own, sam):
        assert client.post(f"{USERS}{user.pk}/password/", NEW_PASSWORD).status_code == 403
        assert client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 403
    assert [rights(own), rights(sam)] == before


def test_what_looks_in_shows_no_password(sam: User) -> None:
    page = desk_of("eve", "auditor").get(page_of(sam))
    assert page.status_code == 200 and "approver" in text_of(page)
    assert sam.password not in page.content.decode() and "md5" not in page.content.decode()


def test_no_account_is_deleted(root: Client, sam: User) -> None:
    assert root.post(f"{USERS}{sam.pk}/delete/", {"post": "yes"}).status_code == 403
    root.post(USERS, {"action": "delete_selected", "_selected_action": [str(sam.pk)], "post": "yes"})
    assert User.objects.filter(pk=sam.pk).exists()


def test_no_event_no_change(omar: Client, sam: User) -> None:
    where = "m1site.accounts.admin.user.trail.append"
    with mock.patch(where, side_effect=RuntimeError), pytest.raises(RuntimeError):
        edit(omar, sam, groups=groups_named("auditor"))
    assert groups_of(sam) == {"approver"}


def test_a_page_that_is_out_of_date_undoes_nothing(omar: Client, sam: User) -> None:
    stale = form_on(omar.get(page_of(sam)))
    edit(desk_of("olga", "administrator"), sam, groups=[])
    page = omar.post(page_of(sam), stale | {"first_name": "Sam"})
    assert "somebody changed this account meanwhile" in str(errors_on(page))
    assert groups_of(sam) == set() and User.objects.get(pk=sam.pk).first_name == ""
    assert errors_on(omar.post(page_of(sam), {"is_active": "on"})), "a form that has seen nothing saves nothing"


def new(client: Client, **fields: Any) -> Any:
    """Make an account on its page."""
    return client.post(f"{USERS}add/", {"username": "nina", "kind": "person", **NEW_PASSWORD, **fields})


def test_an_administrator_makes_an_account_with_a_first_password_and_no_rights(omar: Client) -> None:
    wanted = everything(username="nina", kind="person", email="nina@example.com")
    assert new(omar, **wanted).status_code == 302
    nina = User.objects.get(username="nina")
    assert nina.check_password(PASSWORD) and (nina.is_staff, nina.is_superuser, nina.is_active) == (False, False, True)
    assert groups_of(nina) == set() and not nina.user_permissions.exists()
    (facts,) = told("user.changed")
    assert facts["is_new"] and facts["after"]["username"] == "nina" and PASSWORD not in str(facts)


def test_a_program_gets_an_account_without_a_password(omar: Client) -> None:
    assert "usable_password" in errors_on(new(omar, kind="service"))
    without = {"usable_password": "false", "password1": "", "password2": ""}
    assert new(omar, username="bot", kind="service", **without).status_code == 302
    bot = User.objects.get(username="bot")
    assert bot.kind == "service" and not bot.has_usable_password()


def test_a_program_is_let_into_no_role_that_decides(root: Client) -> None:
    bot = User.objects.create(username="bot", kind="service")
    page = errors_on(edit(root, bot, groups=groups_named(*ROLES)))
    assert page["groups"] == [
        "Only people may be in administrator, approver, break-glass, policy author, policy publisher: "
        "a program never decides."
    ]
    assert not groups_of(bot)
    edit(root, bot, groups=groups_named("requester", "operator", "auditor"))
    assert groups_of(bot) == {"requester", "operator", "auditor"}


def test_a_program_is_let_into_no_group_that_a_rule_or_a_call_asks(root: Client, tmp_path: Any) -> None:
    world, bot = make_world(tmp_path), User.objects.create(username="bot", kind="service")
    wanted = steps_policy("legal", later="finance")
    steps.publish(world, wanted)
    make_tool_call(groups=("board",))
    make_tool_call(escalation_groups=["owners"])
    make_tool_call("rejected", groups=("past",))
    asked, others = ("legal", "finance", "board", "owners"), ("past", "bots", "contractors")
    (problem,) = errors_on(edit(root, bot, groups=groups_named(*asked, *others)))["groups"]
    assert problem.startswith("Only people may be in ")
    assert all(name in problem for name in asked) and not any(name in problem for name in others)
    edit(root, bot, groups=groups_named(*others))
    assert groups_of(bot) == set(others)


def test_a_program_never_enters_the_admin(root: Client) -> None:
    bot = User.objects.create(username="bot", kind="service")
    for right in ("is_staff", "is_superuser"):
        assert right in errors_on(edit(root, bot, **{right: True})), "a form error, where the database would fail"
    assert rights(bot)["kind"] == "service"


def test_two_accounts_with_one_address_are_flagged_as_one_person(omar: Client, root: Client, sam: User) -> None:
    page = omar.post(f"{USERS}add/", {"username": "sam2", "kind": "person", "email": "SAM@example.com", **NEW_PASSWORD},
                     follow=True)  # fmt: skip
    assert "Another account has the same e-mail: sam. Approvals take the two for one person." in text_of(page)
    listed = omar.get(USERS).context["cl"].result_list
    assert {user.username for user in listed if user.has_twin} == {"sam", "sam2"}
    other = make_user("other", email="")
    make_user("another", email="")
    told_to = text_of(client_page(root, edit(root, other, first_name="O.")))
    assert "the same e-mail" not in told_to
    assert "the same e-mail: sam" in text_of(client_page(root, edit(root, other, email="Sam@Example.com")))


def client_page(client: Client, answer: Any) -> Any:
    """Return the page that follows, with its messages."""
    return client.get(answer["Location"])


def steps_policy(group: str, later: str) -> str:
    """Return a policy that asks a group, and another one later, about what contractors want written."""
    return f"""\
format: 1
rules:
  - name: writes
    match: {{tools: [files.write], requester_groups: [contractors]}}
    review:
      requirements:
        - {{count: 1, groups: [{group}]}}
      escalate: {{after_minutes: 5, groups: [{later}]}}
"""


@pytest.fixture
def world(tmp_path: Any) -> World:
    """A small M1 with people and a policy."""
    return make_world(tmp_path)


def test_a_role_removed_on_the_page_counts_for_a_yes_that_was_given(world: World, omar: Client) -> None:
    call = steps.approved(world, world.ava)
    edit(omar, world.ava, groups=[])
    assert steps.claim(call) is None
    call = ToolCall.objects.get(pk=call.pk)
    assert (call.status, call.round) == ("pending", 2)
    edit(omar, world.ava, groups=groups_named("approver"))
    assert steps.approve(call, world.ava).status == "approved" and steps.claim(call) is not None


def test_an_account_switched_off_on_the_page_counts_no_more_and_is_out_at_once(world: World, omar: Client) -> None:
    call, browser = steps.approved(world, world.ava), client_of(world.ava)
    assert browser.get("/runs/").status_code == 200
    edit(omar, world.ava, is_active=None)
    assert browser.get("/runs/").status_code == 302
    assert steps.claim(call) is None and ToolCall.objects.get(pk=call.pk).status == "pending"


@pytest.mark.parametrize("lookup", ["password__startswith=md5", "api_keys__digest__startswith=0", "groups__user=x"])
def test_no_filter_asks_for_secrets(omar: Client, lookup: str) -> None:
    make_run()
    assert omar.get(f"{USERS}?{lookup}").status_code in (302, 400)
