"""A small organisation in the middle of its day, for every screen to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agents import halts, tool_calls
from agents.approval import delegations
from agents.models import Agent, AgentRun, ToolCall
from audit import clock
from m1site.accounts import api_keys
from m1site.accounts.models import User
from policy import tokens
from tests.agents import steps
from tests.factories import decide, make_agent, make_run, make_tool_call, make_tool_version, make_user
from tests.screens import calls, special
from tests.world import World, make_world, turn_wheels

DEMO = Path("m1site/demo/scenario.yaml").read_text()
GOAL = "Tidy the workspace, and tell the customer about the refund of order 1001."
REFUNDS = "Rule refunds asks for review: money that leaves is looked at by two people."
NAMES = {"riley": "Riley Novak", "ava": "Ava Lindqvist", "sam": "Sam Okafor", "author": "Mina Park"}
FILES = ("notes/refund-policy.md", "orders/1001.txt", "orders/1001-draft.txt")


@dataclass(frozen=True)
class Content:
    """Who is there, and what the screens show, by the names that the table of screens uses."""

    people: Mapping[str, User]
    calls: Mapping[str, ToolCall]
    runs: Mapping[str, AgentRun]


def fill(root: Path) -> Content:
    """Make everything; nothing outside the test's database and folder is touched."""
    world = make_world(root)
    people = _people(world)
    for name in FILES:
        (world.root / name).parent.mkdir(parents=True, exist_ok=True)
        (world.root / name).write_text(f"# {name}\nOrder 1001\nAmount: 24.00 EUR\nState: returned\n")
    done = _told(world)
    found = {**calls.waiting(world), **calls.ended(world)}
    calls.give_reason(found["refund"], REFUNDS)
    decide(found["refund"], world.sam, comment="Checked against the return slip.")
    open_ = world.run(scenario=DEMO, preauthorized=True, goal=GOAL)
    turn_wheels(world)
    for call in open_.tool_calls.filter(status="pending"):
        found[call.tool_name] = call
    found["done"] = done.tool_calls.get(tool_name="email.send")
    found["alike"] = _others(world, people)
    found.update(special.make(world, people))
    return Content(people, found, {"done": done, "open": open_})


def _people(world: World) -> dict[str, User]:
    people = {"riley": world.riley, "ava": world.ava, "sam": world.sam, "author": world.author}
    for name, person in people.items():
        person.first_name, person.last_name = NAMES[name].split()
        person.save()
    world.ava.is_staff = world.ava.is_superuser = True
    world.ava.save()
    people["olga"] = make_user("olga", "approver", first_name="Olga", last_name="Maximiliana Featherstonehaugh-Åström")
    people["omar"] = make_user("omar", "operator", first_name="Omar", last_name="Reyes")
    people["new"] = make_user("new", "requester", first_name="Noor", last_name="Haddad")
    return people


def _told(world: World) -> AgentRun:
    """Play the whole story of one run: an e-mail sent, a deletion rejected, an archive that policy keeps."""
    run = world.run(scenario=DEMO, preauthorized=True, goal=GOAL)
    turn_wheels(world)
    asked = {call.tool_name: call for call in run.tool_calls.filter(status="pending")}
    mail = asked["email.send"]
    tool_calls.approve(mail.pk, actor=steps.fresh(world.ava), seen=steps.shown(mail), comment="Checked with the shop.")
    why = "Wrong target: order 1001 still needs its draft until the refund is booked."
    steps.reject(asked["files.delete"], world.sam, comment=why)
    turn_wheels(world)
    run.refresh_from_db()
    return run


def _others(world: World, people: Mapping[str, User]) -> ToolCall:
    """Make what the smaller screens show; return one of twelve calls that are alike."""
    now = clock.now()
    bot = make_agent("release-bot", owner=people["author"])
    why = "It asked for the same rollback forty times. Nobody knows why yet."
    halts.set_halt(actor=steps.fresh(people["omar"]), agent=bot, reason=why)
    week = {"starts_at": now, "ends_at": now + timedelta(days=7)}
    delegations.delegate(person=people["olga"], delegate=world.ava, reason="Parental leave until Monday.", **week)
    api_keys.create(world.ava, name="laptop", scopes=api_keys.SCOPES, days=90)
    api_keys.create(world.ava, name="night shift, read only", scopes=api_keys.SCOPES[:1], days=7)
    world.preauthorize(max_uses=5)
    version = make_tool_version(
        "files.read", risk="low", read_only=True, headline="Read {path}", schema=calls.schema("path")
    )
    alike = make_run(requester=world.riley, agent=_reader(people), goal="Read every note twice.")
    for _ in range(12):
        one = make_tool_call(run=alike, version=version, arguments={"path": "todo.md"}, headline="Read todo.md")
    given = {"agents": ["demo"], "requesters": ["riley"], "tools": ["files.list"]}
    ended = tokens.issue_preauthorization(person=world.sam, max_uses=3, expires_in_minutes=60, **given)
    tokens.revoke(ended.jti, person=world.sam, reason="The week is over.")
    return one


def _reader(people: Mapping[str, User]) -> Agent:
    return make_agent("note-reader", owner=people["author"])
