"""Who is told of what: a row in the transaction of the change, one per target, and none that does not matter."""

from datetime import timedelta
from unittest import mock

import pytest
from pytest_django import Settings

from agents import due, sweeps
from agents.approval import break_glass, editing
from agents.models import Execution, Notification, NotificationTarget, ToolCall
from agents.notifications import calling
from audit import clock
from audit.models import AuditEvent
from policy import tokens
from tests.agents import steps
from tests.agents.steps import approve, ask, propose, publish
from tests.agents.telling import ONE, rows, take, taken, told_to
from tests.agents.test_due import HOUR, LATER, at
from tests.agents.test_quorum_rules import HEAD, rule
from tests.m1site.desk import told
from tests.targets import tell
from tests.world import READS, World, person

pytestmark = pytest.mark.django_db
OTHERS = ["finance=json://127.0.0.1:9/finance", "auditor=json://127.0.0.1:9/audit", "json://127.0.0.1:9/all"]


@pytest.fixture(autouse=True)
def fresh_settings(settings: Settings) -> None:
    """Whatever a test sets is gone afterwards."""
    settings.M1_NOTIFY_ADDRESSES = ()


def test_without_targets_nothing_is_written(world: World) -> None:
    ask(world)
    assert not Notification.objects.exists()


def test_a_call_that_asks_is_told_once_to_each_target(world: World) -> None:
    tell([*ONE, *OTHERS[2:]])
    call = ask(world)
    assert rows(call=call, target__label="1 JSON") == rows(call=call, target__label="2 JSON") == [("asked", 1, 0)]


def test_what_asks_nobody_is_not_told(world: World) -> None:
    tell(ONE)
    steps.external_agent(world)
    token = tokens.issue_preauthorization(
        person=world.ava, agents=["outsider"], requesters=["riley"], tools=READS, max_uses=9, expires_in_minutes=9
    )
    run = steps.external_run(world, preauthorization=token.jti)
    asked = ("files.list", {}), ("files.read", {"path": "a.txt"}), ("nothing.known", {}), ("files.write", {"path": 1})
    assert {call.status for call in propose(run, *asked)} == {"approved", "denied"}
    assert not Notification.objects.exists()


def test_a_change_that_fails_tells_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(ONE)
    monkeypatch.setattr("agents.proposals.check.record", mock.Mock(side_effect=RuntimeError))
    with pytest.raises(RuntimeError):
        ask(world)
    assert not Notification.objects.exists()


def test_an_edit_asks_anew_and_the_old_round_is_not_announced(world: World) -> None:
    tell(ONE)
    call = ask(world)
    body = b'{"content":"Bye","path":"reports/june.txt"}'
    editing.edit(call.pk, actor=world.ava, seen=steps.shown(call), arguments=body, comment="June.")
    assert rows(call=call) == [("asked", 1, 0), ("asked", 2, 0)]
    assert [item.headline for item in taken().items] == ["Write reports/june.txt"]
    assert sorted(Notification.objects.values_list("round", "state")) == [(1, "dropped"), (2, "waiting")]


def test_new_rounds_reminders_and_escalation_are_told(world: World) -> None:
    tell(ONE)
    publish(world, HOUR)
    call = steps.approved(world)
    with at(call, 60):
        steps.claim(call)  # the token has run out: back to people
    call.refresh_from_db()
    for minutes in (81, 97):
        with at(ToolCall(created_at=call.created_at), minutes):
            due.remind_due()
    publish(world, LATER)
    other = ask(world)
    with at(other, 41):
        due.escalate_due()
    assert rows(call=call) == [("asked", 1, 0), ("asked", 2, 0), ("reminded", 2, 1), ("reminded", 2, 2)]
    assert rows(call=other) == [("asked", 1, 0), ("escalated", 1, 0)]


def test_broken_glass_and_lost_calls_are_told(world: World) -> None:
    tell(ONE)
    call, omar = ask(world), person("omar", "break-glass")
    break_glass.break_glass(call.pk, actor=omar, seen=steps.shown(call), reason="The shop is down.")
    assert rows(call=call)[-1] == ("broken_glass", 1, 0)
    assert steps.claim(call)
    Execution.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    sweeps.lose_silent()
    assert rows(call=call)[-1] == ("lost", 1, 0)
    assert {item.by for item in taken().items} == {"omar", ""}


def test_a_group_s_target_is_told_of_what_asks_the_group(world: World) -> None:
    tell(OTHERS)
    publish(world, HEAD + rule("both", "1 approver", "1 finance"))
    call = ask(world)
    assert told_to("asked") == ["1 JSON", "3 JSON"]
    omar = person("omar", "break-glass")
    break_glass.break_glass(call.pk, actor=omar, seen=steps.shown(call), reason="The shop is down.")
    assert told_to("broken_glass") == ["1 JSON", "2 JSON", "3 JSON"]


def test_escalation_tells_the_groups_that_it_adds(world: World) -> None:
    tell(["duty=json://127.0.0.1:9/duty"])
    publish(world, LATER)
    call = ask(world)
    with at(call, 41):
        due.escalate_due()
    assert rows() == [("escalated", 1, 0)]


def test_twenty_calls_of_a_turn_are_taken_as_one_message(world: World) -> None:
    tell(ONE)
    propose(steps.external_run(world), *[("files.write", {"path": f"{n}", "content": ""}) for n in range(20)])
    assert len(taken().items) == 20
    assert take() is None, "somebody sends it"


def test_what_was_decided_meanwhile_is_not_announced(world: World) -> None:
    tell(ONE)
    publish(world, HOUR)
    calls = propose(steps.external_run(world), *[("files.write", {"path": f"{n}", "content": ""}) for n in range(4)])
    approve(calls[0], world.ava)
    steps.reject(calls[1], world.ava)
    ToolCall.objects.filter(pk=calls[2].pk).update(expires_at=clock.now())
    assert [item.request_id for item in taken().items] == [calls[3].pk]
    assert Notification.objects.filter(state="dropped").count() == 3


def test_targets_follow_the_setting_with_an_event_and_no_secret(world: World) -> None:
    tell(["json://user:hunter2@127.0.0.1:9/hooks/secret-path", "auditor=xml://127.0.0.1:9/token"])
    keys = set(NotificationTarget.objects.values_list("pk", flat=True))
    ask(world)
    tell(["auditor=xml://127.0.0.1:9/token", "json://user:hunter2@127.0.0.1:9/hooks/secret-path"])
    assert set(NotificationTarget.objects.values_list("pk", flat=True)) == keys, "another order is no other target"
    tell(["auditor=xml://127.0.0.1:9/token"])
    assert calling.give_up_due() == 0 and Notification.objects.get().state == "dropped"
    assert told("notification.targets_changed") == [
        {"added": ["1 JSON", "2 XML"], "retired": []},
        {"added": [], "retired": ["2 JSON"]},
    ]
    kept = [*NotificationTarget.objects.values(), *AuditEvent.objects.values()]
    assert not any(word in str(kept) for word in ("hunter2", "secret-path", "token", "127.0.0.1"))
