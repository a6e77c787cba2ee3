"""What the approval page says about what became of a call: ends in different words, blocks, escalations, rounds."""

from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.http import HttpResponse
from django.test import Client

from agents import due
from agents.models import Agent, ToolCall
from audit import clock
from m1site.accounts.models import User
from tests.agents.pages import LIVE, client_of, path_of, text_of
from tests.agents.steps import WRITE, approved, claim, external_run, propose, reject
from tests.factories import make_run, make_tool_call, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def approver() -> Client:
    return client_of(make_user("ava", "approver"))


def words_of(response: HttpResponse) -> str:
    return " ".join(text_of(response).split())


@pytest.mark.parametrize("live", [{}, LIVE])
def test_how_a_call_came_to_rest_is_said_in_different_words(approver: Client, live: dict[str, str]) -> None:
    run = make_run()
    calls = {
        "Nobody decided in time": make_tool_call("expired", run=run),
        "Denied meanwhile": make_tool_call("denied", run=run),
        "Approved, but too late": make_tool_call("expired", run=run, approved_at=clock.now()),
        "A person said no": make_tool_call("rejected", run=run),
        "together with its run": make_tool_call("cancelled", run=run),
        "Denied at the last check": make_tool_call("denied", run=run, approved_at=clock.now()),
    }  # fmt: skip
    for words, call in calls.items():
        page = words_of(approver.get(path_of(call), headers=live)).split(" People ")[1].split("What happened")[0]
        assert [other for other in calls if other in page and other not in words] == [], words
        assert words in page
    told = words_of(client_of(run.requester).get(path_of(calls["A person said no"])))
    assert "their words went to your agent as its answer" in told
    assert "Your agent may ask again." in words_of(
        client_of(run.requester).get(path_of(calls["Nobody decided in time"]))
    )


def test_what_was_rejected_says_that_it_is_blocked_how_often_it_was_asked_for_and_who_reopened_it(world: World) -> None:
    run = external_run(world)
    (call,) = propose(run, ("files.write", WRITE))
    reject(call, world.ava, "Not in May.")
    (again,) = propose(run, ("files.write", WRITE))
    (other,) = propose(run, ("files.write", WRITE))
    ava, riley = client_of(world.ava), client_of(world.riley)
    repeat = ava.get(path_of(again)).content.decode()
    assert "Rejected before" in repeat and f'href="{path_of(call)}"' in repeat and "Not in May." in repeat
    assert "Blocked in this run" in words_of(ava.get(path_of(call))) and "2 more times" in words_of(
        ava.get(path_of(call))
    )
    assert (
        b'value="reopen"' in ava.get(path_of(call)).content
        and b'value="reopen"' not in riley.get(path_of(call)).content
    )
    assert riley.post(path_of(call), {"answer": "reopen", "reason": "Please."}).status_code == 403
    assert ava.post(path_of(call), {"answer": "reopen", "reason": " "}).status_code == 400
    assert ava.post(path_of(other), {"answer": "reopen", "reason": "It is June."}).status_code == 403
    assert ava.post(path_of(call), {"answer": "reopen", "reason": "It is June."}).status_code == 303
    assert ava.post(path_of(call), {"answer": "reopen", "reason": "It is June."}).status_code == 409
    page = words_of(riley.get(path_of(call)))
    assert "Reopened by ava" in page and "It is June." in page and "Blocked in this run" not in page
    assert propose(run, ("files.write", WRITE))[0].status == "pending"


def test_too_many_waiting_reads_as_neither_a_rejection_nor_a_rule(world: World) -> None:
    run = external_run(world)
    Agent.objects.filter(pk=run.agent_id).update(max_pending=1)
    first, second = propose(run, ("files.write", WRITE), ("files.write", WRITE | {"path": "b.txt"}))
    page = words_of(client_of(world.riley).get(path_of(second)))
    assert first.status == "pending" and "Too many are waiting" in page
    assert "may have 1 calls waiting" in page and "Nobody was asked, and nobody said no." in page


def test_escalation_and_reminders_are_announced_and_what_they_added_is_marked(approver: Client) -> None:
    call = make_tool_call(escalation_groups=["security"], escalate_at=clock.now() + timedelta(hours=2, minutes=30))
    for live in ({}, LIVE):
        page = words_of(approver.get(path_of(call), headers=live))
        assert "Escalates to security in 2 hours" in page and "by escalation" not in page and "reminded" not in page
    ToolCall.objects.filter(pk=call.pk).update(escalate_at=clock.now(), reminders=2)
    assert due.escalate_due() == 1
    for live in ({}, LIVE):
        page = words_of(approver.get(path_of(call), headers=live))
        assert "members of security may decide too" in page and page.count("by escalation") == 1
        assert "Approvers were reminded 2 times." in page and "approver by escalation" not in page
    assert "escalated" in words_of(client_of(make_user("sec", "security")).get("/"))


def test_a_round_that_was_superseded_says_why_and_what_counts_no_more(world: World) -> None:
    call = approved(world)
    User.objects.get(pk=world.ava.pk).groups.clear()
    ToolCall.objects.filter(pk=call.pk).update(allow_self=False)
    User.objects.filter(pk=world.ava.pk).update(is_active=False)
    assert claim(call) is None
    page = words_of(client_of(world.sam).get(path_of(call)))
    assert "Round 2." in page and "someone lost standing" in page and "these answers count no more" in page
