"""The ways in to stop one call, and to settle a lost one: page, REST and terminal, the same answers everywhere."""

import json

import pytest
from django.test import Client

from agents.models import Execution, ToolCall
from m1site.accounts import api_keys
from m1site.accounts.models import User
from tests.agents.pages import LIVE, answer_to, client_of, path_of, text_of
from tests.factories import make_tool_call
from tests.m1site.conftest import M1, Site, told
from tests.m1site.rest import Rest

pytestmark = pytest.mark.django_db
WHY = {"reason": "It is the wrong \u202efile."}


def running(site: Site) -> ToolCall:
    call = make_tool_call("executing", run=site.run())
    Execution.objects.filter(pk=call.pk).update(lease_until=call.expires_at)
    return call


def now(call: ToolCall) -> tuple[str, bool]:
    row = ToolCall.objects.select_related("execution").get(pk=call.pk)
    return row.status, row.execution.is_cancel_asked


def test_over_rest_a_running_call_is_asked_to_stop_and_says_so(site: Site) -> None:
    call = running(site)
    before = site.ava.get(f"tool-calls/{call.pk}").json()
    assert (before["whyNotCancel"], before["isStopAsked"]) == ("", False)
    answer = site.riley.post(f"tool-calls/{call.pk}/cancel", WHY)
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["isStopAsked"]) == ("executing", True)
    assert site.riley.post(f"tool-calls/{call.pk}/cancel", WHY).status_code == 200
    assert now(call) == ("executing", True)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("pending", "reject it"),
        ("lost", "settle it"),
        ("succeeded", "nothing of it runs"),
        ("expired", "nothing of it"),
    ],
)
def test_over_rest_what_cannot_be_stopped_says_what_to_do(site: Site, status: str, said: str) -> None:
    call = make_tool_call(status, run=site.run())
    answer = site.ava.post(f"tool-calls/{call.pk}/cancel", WHY)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
    assert said in answer.json()["detail"]
    assert said in site.ava.get(f"tool-calls/{call.pk}").json()["whyNotCancel"]


def test_a_key_needs_the_scope_that_cancels_runs(site: Site) -> None:
    call = running(site)
    key = api_keys.create(site.world.ava, name="reads", scopes=["read", "decide"], days=1)[1]
    answer = Client().post(
        f"/api/m1/tool-calls/{call.pk}/cancel", WHY, "application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert (answer.status_code, now(call)) == (403, ("executing", False))


def test_on_the_page_a_running_call_is_stopped_with_a_reason(site: Site) -> None:
    call, ava = running(site), client_of(site.world.ava)
    assert 'value="cancel"' in ava.get(path_of(call)).content.decode()
    assert ava.post(path_of(call), {"answer": "cancel", "reason": ""}).status_code == 400
    assert now(call) == ("executing", False)
    state = f"executing.1.{call.arguments_digest[:12]}.no"
    assert b'id="call-actions"' not in ava.get(f"{path_of(call)}?seen={state}", headers=LIVE).content
    assert ava.post(path_of(call), {"answer": "cancel", **WHY}).status_code == 303
    assert now(call) == ("executing", True)
    page = ava.get(path_of(call))
    assert "It is being stopped" in text_of(page) and b'value="cancel"' not in page.content
    assert "⟦U+202E⟧" in text_of(page)
    live = ava.get(f"{path_of(call)}?seen={state}", headers=LIVE).content
    assert b'id="call-actions"' in live, "another window shows it too"


@pytest.mark.parametrize("status", ["pending", "lost", "succeeded", "cancelled"])
def test_on_the_page_nothing_else_is_stopped(site: Site, status: str) -> None:
    call, ava = make_tool_call(status, run=site.run()), client_of(site.world.ava)
    assert b'value="cancel"' not in ava.get(path_of(call)).content
    refused = ava.post(path_of(call), {"answer": "cancel", **WHY})
    assert refused.status_code == 409 and "The call has changed meanwhile." in text_of(refused)
    assert ToolCall.objects.get(pk=call.pk).status == status


def test_a_lost_call_shows_its_requester_that_somebody_else_must_look(site: Site) -> None:
    call = make_tool_call("lost", run=site.run())
    mine = client_of(site.world.riley).get(path_of(call))
    assert "Somebody else must look" in text_of(mine) and b'value="settle"' not in mine.content
    assert "nobody those of their own requests" in site.riley.get(f"tool-calls/{call.pk}").json()["whyNotSettle"]
    assert site.ava.get(f"tool-calls/{call.pk}").json()["whyNotSettle"] == ""
    answer = answer_to(call, "settle", site.world.riley, outcome="failed", note="It was not me.")
    assert client_of(site.world.riley).post(path_of(call), answer).status_code == 403


def test_at_a_terminal(m1: M1, site: Site) -> None:
    ava: User = site.world.ava
    call, other = running(site), make_tool_call("approved", run=site.run())
    assert m1("cancel", "call", str(call.pk), by=ava).exit_code == 2, "without a reason"
    said = m1("cancel", "call", str(call.pk), "--reason", "Wrong.")
    assert (said.exit_code, "asked to stop" in said.output) == (0, True)
    assert told(m1("cancel", "call", str(other.pk), "--reason", "Wrong.", "--json"))["status"] == "cancelled"
    for _ in range(2):
        assert m1("cancel", "call", str(other.pk), "--reason", "Again.").exit_code == 0, "a repeat changes nothing"
        assert m1("cancel", "run", str(call.run_id), "--reason", "All.").output == "The run is cancelled.\n"
    assert m1("cancel", "run", str(call.run_id), by=site.world.sam).exit_code == 1, "somebody else was faster"
    assert m1("cancel", "call", "no-id", "--reason", "x").exit_code == 2


def test_at_a_terminal_a_lost_call_is_settled(m1: M1, site: Site) -> None:
    call = make_tool_call("lost", run=site.run())
    refused = m1("settle", str(call.pk), "failed", "--note", "I say so.", by=site.world.riley)
    assert (refused.exit_code, "nobody those of their own" in refused.output) == (1, True)
    assert m1("settle", str(call.pk), "failed", by=site.world.ava).exit_code == 2
    found = told(m1("settle", str(call.pk), "failed", "--note", "Nothing is there.", "--json"))
    assert (found["status"], found["note"]) == ("failed", "Nothing is there.")
    assert "Nothing is there." in json.dumps(Rest(site.robot).get(f"runs/{call.run_id}").json())
