"""The line from goal to effect, with real tools in the sandbox; only the broker's messages are carried by hand."""

from pathlib import Path

import pytest

from agents import tool_calls
from agents.models import ToolCall
from audit.models import AuditEvent
from tests.agents import steps
from tests.world import World, make_world, turn_wheels

pytestmark = pytest.mark.django_db(transaction=True)
SCENARIO = Path("m1site/demo/scenario.yaml").read_text()


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = make_world(tmp_path)
    for name in ("notes/refund-policy.md", "orders/1001.txt", "orders/1001-draft.txt"):
        (world.root / name).parent.mkdir(exist_ok=True)
        (world.root / name).write_text(f"{name}\n")
    return world


def approve(call: ToolCall, person: object) -> ToolCall:
    return tool_calls.approve(call.pk, actor=person, seen=steps.shown(call))


def test_the_demo_goes_from_goal_to_effects_and_finishes_as_people_decided(world: World) -> None:
    run = world.run(scenario=SCENARIO, preauthorized=True)
    turn_wheels(world)
    pending = list(run.tool_calls.filter(status="pending"))
    assert pending, [(c.tool_name, c.status, c.note) for c in run.tool_calls.all()]
    while pending := list(ToolCall.objects.filter(run=run, status="pending")):
        for call in pending:
            approve(call, world.ava)
            call.refresh_from_db()
            if call.status == "pending":
                assert call.tool_name == "files.delete"
                approve(call, world.sam)
        turn_wheels(world)
    run.refresh_from_db()
    story = [(c.tool_name, c.status, c.note) for c in run.tool_calls.order_by("created_at")]
    assert run.status == "completed", (run.problem, story)
    assert not (world.root / "orders/1001-draft.txt").exists()
    assert (world.root / "archive/ledger.csv").exists()
    assert len(list(world.mail.iterdir())) == 1
    assert ("files.delete", "denied") in [(tool, status) for tool, status, _ in story]
    assert AuditEvent.objects.filter(action="tool_call.executing").count() == len(
        [s for _, s, _ in story if s == "succeeded"]
    )
