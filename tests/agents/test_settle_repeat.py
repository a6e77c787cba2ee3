"""A person settles a lost call, and the answer is lost on the way: saying it once more changes nothing."""

from datetime import timedelta

import pytest

from agents import sweeps, tool_calls
from agents.errors import WrongStateError
from agents.models import Execution
from audit import clock
from tests.agents import steps
from tests.world import World

pytestmark = pytest.mark.django_db


def test_settling_once_more_changes_nothing_and_settling_differently_is_refused(world: World) -> None:
    call = steps.approved(world)
    assert steps.claim(call)
    Execution.objects.filter(pk=call.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    sweeps.lose_silent()
    ava, sam = steps.fresh(world.ava), steps.fresh(world.sam)
    for _ in range(2):
        told = tool_calls.settle(call.pk, actor=ava, outcome="succeeded", note="It is there.")
        assert told.status == "succeeded"
    assert steps.events(call).count("tool_call.settled") == 1
    others = [(ava, "failed", "It is there."), (ava, "succeeded", "Else."), (sam, "succeeded", "It is there.")]
    for actor, outcome, note in others:
        with pytest.raises(WrongStateError):
            tool_calls.settle(call.pk, actor=actor, outcome=outcome, note=note)
