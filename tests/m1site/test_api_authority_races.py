"""An edit against a yes, against another edit, against broken glass: over REST, with threads on PostgreSQL."""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from agents.models import ToolCall
from audit.models import AuditEvent
from policy.models import ApprovalToken
from tests.agents.test_races import Together
from tests.m1site.authority import REASON, edited
from tests.m1site.conftest import Site, decision
from tests.m1site.rest import Rest
from tests.world import person

pytestmark = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
]
ROUNDS = max(4, int(os.environ.get("M1_RACE_ROUNDS", "200")) // 50)
Answer = tuple[int, str]
STALE = (409, "stale_decision")


@pytest.fixture
def two() -> Iterator[Together]:
    together = Together(2)
    yield together
    together.close()


def post(rest: Rest, call: ToolCall, what: str, body: dict[str, object]) -> Callable[[], Answer]:
    def send() -> Answer:
        answer = rest.post(f"tool-calls/{call.pk}/{what}", body)
        return answer.status_code, answer.json().get("code", answer.json().get("status"))

    return send


def events(call: ToolCall) -> Counter[str]:
    found = AuditEvent.objects.filter(subject=f"tool_call:{call.pk}").exclude(action="tool_call.pending")
    return Counter(found.values_list("action", flat=True))


@pytest.mark.parametrize("what", ["approve", "break-glass"])
def test_an_edit_against_a_yes_has_one_winner(site: Site, two: Together, what: str) -> None:
    ava, other, winners = site.ava, Rest(person("gus", "break-glass", "approver")), Counter[str]()
    more = {"reason": REASON} if what == "break-glass" else {}
    for _ in range(ROUNDS):
        call = site.pending()
        yes = post(other, call, what, decision(call, **more))
        told = two.do(post(ava, call, "edit", edited(call)), yes)
        call.refresh_from_db()
        winners[call.status] += 1
        assert STALE in told, told
        if call.status == "pending":
            assert told[0] == (200, "pending") and (call.round, call.revision) == (2, 2)
            assert not call.decisions.exists() and not ApprovalToken.objects.filter(request_id=call.pk).exists()
            assert events(call) == {"tool_call.edited": 1}
        else:
            assert told[1] == (200, "approved") and (call.round, call.revision) == (1, 1)
            assert call.decisions.count() == 1
            assert events(call)["tool_call.edited"] == 0 and events(call)["tool_call.approved"] == 1
    assert set(winners) <= {"pending", "approved"}


def test_of_two_edits_at_once_one_counts(site: Site, two: Together) -> None:
    ava, sam = site.ava, Rest(site.world.sam)
    for _ in range(ROUNDS):
        call = site.pending()
        sent = [edited(call) | {"arguments": {"path": name, "content": "x"}} for name in ("ava.txt", "sam.txt")]
        told = two.do(post(ava, call, "edit", sent[0]), post(sam, call, "edit", sent[1]))
        call.refresh_from_db()
        assert sorted(map(str, told)) == sorted(map(str, [(200, "pending"), STALE])), told
        assert (call.round, call.revision, call.revisions.count()) == (2, 2, 2)
        assert events(call) == {"tool_call.edited": 1}
