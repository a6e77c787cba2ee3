"""Tokens in the admin: by state, in words, revoked with a reason; and their text is where nobody can read it."""

import json
import logging

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.test import Client

from agents.models import ToolCall
from m1site.logs import LineFormatter
from policy.models import ApprovalToken
from tests.agents import steps
from tests.agents.pages import client_of, text_of
from tests.world import World, person

pytestmark = pytest.mark.django_db
LIST = "/admin/policy/approvaltoken/"


def desk(*codenames: str) -> Client:
    """Return the browser of somebody in the admin who may do so much."""
    user = person("desk")
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return client_of(user)


def revoke(client: Client, *rows: ApprovalToken, **more: str) -> str:
    data = {"action": "revoke", "_selected_action": [str(row.pk) for row in rows], **more}
    return text_of(client.post(LIST, data, follow=True))


def test_the_list_has_a_state_and_says_what_each_is_for(world: World) -> None:
    token, call = world.preauthorize(), steps.approved(world)
    client = desk("view_approvaltoken")
    page = text_of(client.get(LIST))
    assert "Calls of files.list or files.read" in page
    assert f"/approvals/{call.pk}/" in client.get(LIST).content.decode()
    for state, count in (("active", 2), ("revoked", 0), ("used", 0), ("expired", 0)):
        assert text_of(client.get(LIST, {"state": state})).count("as defined when") == min(count, 1)
    assert "By demo, for riley." in text_of(client.get(f"{LIST}{token.pk}/change/"))


def test_to_revoke_takes_the_permission_a_reason_and_a_second_look(world: World) -> None:
    token, other = world.preauthorize(), steps.token_of(steps.approved(world))
    assert "Revoke the selected" not in text_of(desk("view_approvaltoken").get(LIST))
    client = client_of(person("admin", "administrator"))
    user = steps.fresh(person("boss"))
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_approvaltoken", "change_approvaltoken"]))
    client = client_of(user)
    assert "Revoke 2 tokens" in revoke(client, token, other)
    assert "say why" in revoke(client, token, other, confirmed="yes", reason=" ")
    assert not ApprovalToken.objects.filter(revoked_at__isnull=False).exists()
    assert f"{token.pk} is revoked." in revoke(client, token, other, confirmed="yes", reason="The key leaked.")
    assert "None of the selected tokens counts" in revoke(client, token, other)
    page = text_of(client.get(LIST, {"state": "revoked"}))
    assert page.count("boss, ") == 2
    assert "The key leaked." in page
    assert steps.claim(ToolCall.objects.get(pk=other.request_id)) is None


@pytest.mark.parametrize("lookup", ["token", "token__startswith", "token__regex", "token__gte"])
def test_no_filter_of_the_admin_spells_the_token_out(world: World, lookup: str) -> None:
    token = world.preauthorize()
    answer = desk("view_approvaltoken").get(LIST, {lookup: token.token[:30]})
    assert answer.status_code == 400


def test_a_broken_constraint_names_the_row_and_no_token(world: World) -> None:
    token = world.preauthorize()
    with pytest.raises(IntegrityError) as broken, transaction.atomic():
        ApprovalToken.objects.filter(pk=token.pk).update(uses=10_001)
    record = logging.LogRecord("m1", logging.ERROR, __file__, 1, "failed: %s", (broken.value,), None)
    line = json.loads(LineFormatter().format(record))
    assert "token_uses_within_max" in line["message"]
    for part in token.token.split("."):
        assert part not in line["message"]
