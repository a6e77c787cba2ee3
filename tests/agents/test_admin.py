"""The admin: history that nobody edits, decisions bound to what was shown, edits of agents on the trail."""

from collections.abc import Iterator
from unittest import mock

import pytest
from django.apps import apps
from django.test import Client

from agents.models import Agent, Decision, ToolCall
from audit.models import AuditEvent, AuditPayload
from policy.models import ToolVersion
from tests.agents.pages import client_of, events_of, text_of
from tests.factories import make_agent, make_tool_call, make_tool_version, make_user

pytestmark = pytest.mark.django_db
CALLS = "/admin/agents/toolcall/"


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def desk() -> Client:
    return client_of(make_user("ava", "approver", is_staff=True, is_superuser=True))


@pytest.mark.parametrize(
    "model", ["agents.agent", "agents.agentrun", "agents.toolcall", "agents.decision", "agents.execution",
              "policy.tool", "policy.toolversion", "policy.policyversion", "policy.policycheck",
              "policy.approvaltoken"],
)  # fmt: skip
def test_every_list_and_every_row_can_be_read_and_searched(desk: Client, model: str) -> None:
    make_tool_call("succeeded", headline="\u2066x", reason="<script>")
    path = f"/admin/{model.replace('.', '/')}/"
    for query in ("", "?q=x", "?q=%00", f"?q={'9' * 40}"):
        assert desk.get(path + query).status_code == 200, query
    row = apps.get_model(model).objects.first()
    if row is not None:
        assert desk.get(f"{path}{row.pk}/change/").status_code == 200
    if model != "agents.agent":
        assert desk.get(f"{path}add/").status_code == 403


def test_people_outside_the_staff_are_sent_to_the_one_sign_in_page() -> None:
    for client in (Client(), client_of(make_user("riley"))):
        assert client.get("/admin/").status_code == 302
        assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/?next=")


def selected(call: ToolCall, action: str, **fields: object) -> dict[str, object]:
    return {"action": action, "_selected_action": [str(call.pk)]} | fields


def test_deciding_shows_each_call_first_and_records_the_answer_to_what_was_shown(desk: Client) -> None:
    call = make_tool_call(arguments={"path": "a\u202eb"})
    page = desk.post(CALLS, selected(call, "approve"))
    seen = f"{call.pk}:1:{call.arguments_digest}"
    assert seen in page.content.decode() and "⟦U+202E⟧" in text_of(page)
    assert not Decision.objects.exists(), "the first post only shows"
    desk.post(CALLS, selected(call, "approve", confirmed="yes", seen=seen))
    assert Decision.objects.get(call=call).surface == "admin"
    assert "tool_call.approved" in events_of(call.pk)


@pytest.mark.parametrize("seen", ["{pk}:1:" + "0" * 64, "{pk}:2:{digest}", "x", "{pk}:1", "{pk}:one:{digest}", ""])
def test_a_confirmation_of_something_else_records_nothing(desk: Client, seen: str) -> None:
    call = make_tool_call()
    sent = seen.format(pk=call.pk, digest=call.arguments_digest)
    assert desk.post(CALLS, selected(call, "approve", confirmed="yes", seen=sent)).status_code == 302
    assert not Decision.objects.exists()


def test_a_rejection_needs_a_reason_in_the_admin_too(desk: Client) -> None:
    call = make_tool_call()
    seen = f"{call.pk}:1:{call.arguments_digest}"
    refused = desk.post(CALLS, selected(call, "reject", confirmed="yes", seen=seen, comment=" "))
    assert "needs a reason" in text_of(refused)
    desk.post(CALLS, selected(call, "reject", confirmed="yes", seen=seen, comment="Wrong."))
    call.refresh_from_db()
    assert (call.status, call.note) == ("rejected", "Wrong.")


def test_an_edit_of_an_agent_is_an_event_with_before_and_after(desk: Client) -> None:
    agent = make_agent("demo", budget_usd=5)
    form = {"name": "demo", "owner": agent.owner_id, "planner": "scripted", "environment": "test", "max_turns": 20,
            "max_output_tokens": 8192, "budget_usd": "7", "token_limit": 1000000,
            "max_pending": 20, "is_enabled": "on"}  # fmt: skip
    desk.post(f"/admin/agents/agent/{agent.pk}/change/", form)
    assert Agent.objects.get().budget_usd == 7
    event = AuditEvent.objects.get(action="agent.changed")
    body = bytes(AuditPayload.objects.get(event=event).body).decode()
    assert '"before":{"budget_usd":"5.00"}' in body and '"after":{"budget_usd":"7.00"}' in body
    with mock.patch("agents.admin.agent.trail.append", side_effect=RuntimeError), pytest.raises(RuntimeError):
        desk.post(f"/admin/agents/agent/{agent.pk}/change/", form | {"budget_usd": "9"})
    assert Agent.objects.get().budget_usd == 7, "no event, no change"


def test_the_allowlist_changes_by_action_for_those_who_may(desk: Client) -> None:
    version = make_tool_version(state="disabled")
    form = {"action": "enable", "_selected_action": [str(version.pk)]}
    watcher = make_user("watcher", is_staff=True)
    watcher.user_permissions.set([])
    client_of(watcher).post("/admin/policy/toolversion/", form)
    assert ToolVersion.objects.get().state == "disabled"
    desk.post("/admin/policy/toolversion/", form)
    assert ToolVersion.objects.get().state == "disabled", "the first post only shows"
    desk.post("/admin/policy/toolversion/", form | {"confirmed": "yes", "seen": [str(version.pk)]})
    assert ToolVersion.objects.get().state == "enabled"
    assert AuditEvent.objects.filter(action="tool.enabled", subject="tool:files.write").count() == 1


def test_the_text_of_a_token_is_shown_nowhere(desk: Client) -> None:
    call = make_tool_call()
    desk.post(CALLS, selected(call, "approve", confirmed="yes", seen=f"{call.pk}:1:{call.arguments_digest}"))
    token = apps.get_model("policy.approvaltoken").objects.get()
    page = desk.get(f"/admin/policy/approvaltoken/{token.pk}/change/").content.decode()
    assert str(token.pk) in page and token.token not in page
