"""The lists of waiting calls say the same as asking about each call by itself, whoever looks; and how they find it."""

import random
from datetime import timedelta
from importlib import import_module
from unittest import mock

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import due
from agents.approval import audience, editing, waiting
from agents.models import Agent, AskedGroup, RequirementGroup, RunGroup, ToolCall
from agents.views import alike
from audit import clock
from audit.once import for_this_page
from m1site.accounts.models import User
from tests.agents import plain_inbox
from tests.agents.stage import ask_round
from tests.agents.steps import ask, fresh, shown, without_triggers
from tests.factories import decide, make_agent, make_run, make_tool_call, make_turn, make_user
from tests.world import World

pytestmark = pytest.mark.django_db
GROUPS = ["approver", "legal", "finance"]


def make_crowd(dice: random.Random) -> tuple[list[User], list[Agent]]:
    """Make people of every kind, some with a second account under the same address, and agents of theirs."""
    people = [
        make_user("", *dice.sample(GROUPS, dice.randint(0, 2)), email=f"p{number % 4}@example.com")
        for number in range(5)
    ]
    people += [make_user("", "auditor"), make_user("", "approver", is_active=False), make_user("", "finance")]
    people.append(User.objects.create_user("robot", kind="service", email="p1@example.com"))
    agents = [make_agent(owner=dice.choice(people), service_account=dice.choice([None, people[-1]])) for _ in range(3)]
    agents[0].acts_for.add(people[2])
    return people, agents


def make_call(dice: random.Random, people: list[User], agents: list[Agent]) -> ToolCall:
    """Make a waiting call with some history: votes, edits, further rounds, late ones, in a run of its own or not."""
    runs = list(agents[0].runs.all())
    is_further = runs and dice.random() < 0.3
    run = dice.choice(runs) if is_further else make_run(agent=dice.choice(agents), requester=dice.choice(people))
    call = make_tool_call(
        turn=make_turn(run), groups=dice.sample(GROUPS, dice.randint(1, 3)), needed=dice.randint(1, 2),
        arguments={"path": str(dice.randint(0, 2))}, risk=dice.choice(plain_inbox.RISKS),
        allow_self=dice.random() < 0.2, expires_at=clock.now() + timedelta(minutes=dice.choice([-1, 5, 60, 60])),
    )  # fmt: skip
    if dice.random() < 0.3:
        call.round = 2
        call.save()
        ask_round(call, dice.sample(GROUPS, 1))
    away = [None, dice.choice(people)]  # nobody is stood in for twice in a round
    for one in dice.sample(people, dice.randint(0, 2)):
        decide(call, one, round=dice.randint(1, call.round), on_behalf_of=away.pop())
    if dice.random() < 0.5:
        call.revisions.create(
            number=2, arguments=b"{}", digest="e" * 64, author=dice.choice(people), created_at=clock.now()
        )
        ToolCall.objects.filter(pk=call.pk).update(revision=dice.choice([1, 2, 2]))
    return call


@pytest.mark.parametrize("seed", range(3))
def test_the_lists_say_what_asking_about_each_call_by_itself_says(seed: int) -> None:
    dice = random.Random(seed)
    people, agents = make_crowd(dice)
    for _ in range(12):
        make_call(dice, people, agents)
    for _ in range(2):
        away, stand_in = dice.sample(people[:5], 2)
        if away.email != stand_in.email:
            away.delegations.create(
                delegate=stand_in, reason="Away.", starts_at=clock.now() - timedelta(hours=1),
                ends_at=clock.now() + timedelta(hours=1), created_at=clock.now(),
            )  # fmt: skip
    found = 0
    for user in people:
        with for_this_page():
            desk = waiting.desk(user)
            mine, others = ([call.pk for call in calls] for calls in (desk.mine, desk.others))
        assert mine == plain_inbox.waiting_for(user), user
        assert others == plain_inbox.others_for(user), user
        assert [call.pk for call in waiting.for_person(user)] == mine
        found += len(mine)
    assert found


@pytest.mark.parametrize(("most", "number"), [(1000, 1), (4, 1), (3, 2), (2, 3), (5, 99)])
def test_groups_are_those_of_asking_plainly_however_short_each_step_of_the_walk_is(most: int, number: int) -> None:
    dice = random.Random(5)
    people, agents = make_crowd(dice)
    for _ in range(30):
        make_call(dice, people, agents)
    calls = waiting.desk(people[5]).others
    wanted = plain_inbox.groups_of([call.pk for call in calls])
    with mock.patch.multiple(alike, MOST=most, PER_PAGE=3):
        found = alike.grouped(calls, number)
    pages = -(-len(wanted) // 3)
    start = (min(number, pages) - 1) * 3
    assert list(found.page.rows) == [first for first, _ in wanted[start : start + 3]]
    assert (found.page.number, found.page.has_next) == (min(number, pages), number < pages)
    if most == 1000:
        assert {pk: size.more + 1 for pk, size in found.sizes.items()} == dict(wanted[start : start + 3])
        assert found.page.pages == pages
    else:
        assert all(size.at_least and size.more + 1 <= dict(wanted)[pk] for pk, size in found.sizes.items())


def test_a_call_without_what_the_lists_read_stands_by_itself_among_those_of_others() -> None:
    ava, twins = make_user("ava", "approver"), [make_tool_call(), make_tool_call()]
    ToolCall.objects.update(agent=None, requester=None, asked_key="", like_key="")
    desk = waiting.desk(ava)
    assert not desk.mine.exists()
    assert {call.pk for call in desk.others} == {call.pk for call in twins}
    assert len(alike.grouped(desk.others, 1).page.rows) == 2
    with mock.patch.object(alike, "MOST", 1):
        assert len(alike.grouped(desk.others, 1).page.rows) == 2
    owner = User.objects.get(pk=twins[0].run.agent.owner_id)
    assert [call.pk for call in waiting.desk(owner).others] == [twins[0].pk]


def test_proposals_edits_and_escalations_tell_the_lists_whom_they_ask(world: World) -> None:
    call = ask(world, "email.send", {"to": ["a@example.com"], "subject": "Hi", "body": "Hello"})
    assert_told(call)
    first = call.like_key
    editing.edit(
        call.pk, actor=fresh(world.ava), seen=shown(call), comment="Better.",
        arguments=b'{"to":["b@example.com"],"subject":"Hi","body":"Hello"}',
    )  # fmt: skip
    call.refresh_from_db()
    assert_told(call)
    assert call.like_key != first
    ToolCall.objects.filter(pk=call.pk).update(escalation_groups=["legal"], escalate_at=call.created_at)
    lena = make_user("lena", "legal")
    assert not waiting.for_person(lena).exists()
    assert due.escalate_due() == 1
    call.refresh_from_db()
    assert_told(call)
    assert waiting.for_person(lena).get() == call


def assert_told(call: ToolCall) -> None:
    asked = RequirementGroup.objects.filter(requirement__call=call, requirement__round=call.round)
    names = set(asked.values_list("name", flat=True))
    assert names
    assert all(call.asked_key in audience.keys_of([name]) for name in names)
    assert call.asked_key == audience.digest(sorted(names))
    assert call.like_key == audience.like_key(call)
    assert (call.agent_id, call.requester_id) == (call.run.agent_id, call.run.requester_id)
    ever = RequirementGroup.objects.filter(requirement__call__run=call.run)
    assert set(RunGroup.objects.filter(run=call.run).values_list("name", flat=True)) == set(
        ever.values_list("name", flat=True)
    )


def test_the_count_goes_no_further_than_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    ava = make_user("ava", "approver")
    for _ in range(4):
        make_tool_call()
    assert str(waiting.count(waiting.for_person(ava))) == "4"
    monkeypatch.setattr(waiting, "MOST", 3)
    with CaptureQueriesContext(connection) as queries:
        counted = waiting.count(waiting.for_person(ava))
    assert (str(counted), bool(counted), bool(waiting.Count(0))) == ("2+", True, False)
    assert "LIMIT 3" in queries.captured_queries[-1]["sql"]


def test_the_index_of_waiting_calls_gives_the_order_without_a_sort() -> None:
    ava = make_user("ava", "approver")
    make_tool_call()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(";".join(f"SET LOCAL enable_{way} = off" for way in ("seqscan", "bitmapscan", "sort")))
    plan = waiting.for_person(ava)[:20].explain()
    assert "tool_call_inbox" in plan, plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


def test_the_migration_writes_what_the_functions_write(world: World) -> None:
    calls = [ask(world), make_tool_call(groups=("legal", "approver")), make_tool_call("rejected", groups=("finance",))]
    fields = ("pk", *audience.FIELDS)
    before = set(ToolCall.objects.filter(status="pending").values_list(*fields))
    sets, runs = set(AskedGroup.objects.values_list("key", "name")), set(RunGroup.objects.values_list("run", "name"))
    with without_triggers():
        AskedGroup.objects.all().delete()
        RunGroup.objects.all().delete()
    ToolCall.objects.update(agent=None, requester=None, asked_key="", like_key="")
    fill = import_module("agents.migrations.0006_inbox_filled").fill
    for _ in range(2):
        fill(apps, None)
        assert set(ToolCall.objects.filter(status="pending").values_list(*fields)) == before
        assert set(RunGroup.objects.values_list("run", "name")) == runs
        assert set(AskedGroup.objects.values_list("key", "name")) <= sets
    assert waiting.for_person(world.ava).get(pk=calls[1].pk) == calls[1]


def test_from_call_to_call_everything_that_waits_comes_once_and_then_the_first_again() -> None:
    ava, at = make_user("ava", "approver"), clock.now() + timedelta(hours=1)
    calls = [make_tool_call(risk=risk, expires_at=at) for risk in ("low", "high", "low", "critical", "high", "low")]
    make_tool_call(risk="critical", status="approved")
    mine, met = waiting.for_person(ava), []
    here = mine[0]
    while here.pk not in met:
        met.append(here.pk)
        found = waiting.after(here, mine)
        assert found is not None
        here = ToolCall.objects.get(pk=found.pk)
    assert met == list(mine.values_list("pk", flat=True))
    assert sorted(met) == sorted(call.pk for call in calls)
    assert here.pk == met[0]
