"""Halts in the admin: set with a reason, lifted after a look, by operators and administrators alone."""

import pytest
from django.test import Client

from agents.models import Halt
from m1site.accounts.models import User
from tests.agents import steps
from tests.agents.pages import client_of, text_of
from tests.factories import make_agent, make_tool_version, make_user

pytestmark = pytest.mark.django_db
ADD, LIST = "/admin/agents/halt/add/", "/admin/agents/halt/"


def desk(name: str, *groups: str) -> Client:
    return client_of(make_user(name, *groups, is_staff=True))


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"on": "everything", "reason": ""}, "required"),
        ({"on": "everything", "reason": "   "}, "required"),
        ({"on": "everything", "reason": "x" * 2001}, "at most 2000"),
        ({"on": "everything", "reason": "Stop\0."}, "Null characters"),
        ({"on": "", "reason": "Stop."}, "required"),
        ({"on": "agent:demo", "reason": "Stop."}, "no such agent or tool"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_stops(form: dict[str, str], problem: str) -> None:
    make_agent("demo")
    answer = desk("op", "operator").post(ADD, form)
    assert (answer.status_code, problem in text_of(answer)) == (400, True)
    assert not Halt.objects.exists()


@pytest.mark.parametrize("scope", ["everything", "agent", "tool"])
def test_a_halt_is_set_and_lifted_with_an_event_each(scope: str) -> None:
    agent, tool = make_agent("demo"), make_tool_version().tool
    on = {"agent": f"agent:{agent.pk}", "tool": f"tool:{tool.pk}"}.get(scope, scope)
    op = desk("op", "operator")
    assert op.post(ADD, {"reason": "Look first.", "on": on}).status_code == 302
    halt = Halt.objects.get()
    assert (halt.agent == agent, halt.tool == tool) == (scope == "agent", scope == "tool")
    chosen = {"action": "lift", "_selected_action": [str(halt.pk)]}
    assert "Look first." in text_of(op.post(LIST, chosen))
    assert Halt.objects.get().lifted_at is None, "the first post only shows"
    op.post(LIST, chosen | {"confirmed": "yes", "seen": []})
    assert Halt.objects.get().lifted_at is None, "what was not shown is not lifted"
    op.post(LIST, chosen | {"confirmed": "yes", "seen": [str(halt.pk)]})
    assert Halt.objects.get().lifted_at is not None
    assert steps.events(halt) == ["halt.set", "halt.lifted"]


@pytest.mark.parametrize("groups", [["auditor"], ["approver"], ["policy author"]])
def test_others_neither_set_nor_lift(groups: list[str]) -> None:
    halt = Halt.objects.create(
        reason="Stop.", person=User.objects.create(username="omar"), created_at="2026-01-01T00:00Z"
    )
    other = desk("other", *groups)
    assert other.post(ADD, {"reason": "Mine."}).status_code == 403
    other.post(LIST, {"action": "lift", "_selected_action": [str(halt.pk)], "confirmed": "yes", "seen": [str(halt.pk)]})
    assert Halt.objects.get().lifted_at is None
