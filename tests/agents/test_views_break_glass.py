"""Broken glass on the pages: who is offered it, how loudly it is flagged, and who takes the flag away."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from agents.approval import break_glass
from agents.models import Decision, DecisionReview, ToolCall
from agents.views.break_glass import to_review
from m1site.accounts.models import User
from tests.agents.pages import LIVE, answer_to, client_of, events_of, path_of, text_of
from tests.agents.steps import ask, fresh, shown
from tests.factories import make_run, make_tool_call, make_user
from tests.world import World, person

pytestmark = pytest.mark.django_db
WHY = "The mail server is on fire."


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


def broken(by: User, **fields: Any) -> ToolCall:
    """Return a call for which somebody broke the glass."""
    call = make_tool_call(needed=2, **fields)
    return break_glass.break_glass(call.pk, actor=fresh(by), seen=shown(call), reason=WHY)


def test_a_member_breaks_the_glass_with_a_reason_and_everybody_sees_it(world: World) -> None:
    call, omar = ask(world, "files.delete", {"path": "a.txt"}), person("omar", "break-glass")
    client = client_of(omar)
    page = client.get(path_of(call))
    assert "You cannot decide this" in text_of(page) and b'id="glass-fold">' in page.content, "there, and closed"
    assert client.post(path_of(call), answer_to(call, "break_glass", client, reason=WHY)).status_code == 303
    decision = Decision.objects.get(call=call)
    assert (decision.kind, decision.surface, decision.comment) == ("break_glass", "web", WHY)
    assert events_of(call.pk).count("tool_call.break_glass") == 1
    for viewer in (world.riley, world.ava, omar):
        for path, live in ((path_of(call), {}), (path_of(call), LIVE), (f"/runs/{call.run_id}/", {})):
            text = text_of(client_of(viewer).get(path, headers=live))
            assert "broke the glass" in text and "not reviewed yet" in text, (viewer, path)
    assert WHY in text_of(client_of(world.ava).get(path_of(call)))


@pytest.mark.parametrize(
    ("change", "status"),
    [({"reason": ""}, 400), ({"reason": "short"}, 400), ({"reason": "x" * 3_000}, 400), ({"reason": "nul\0 " * 9}, 400),
     ({"opened": ""}, 400), ({"opened": "forged"}, 400), ({"digest": "0" * 64}, 400), ({"round": "x"}, 400)],
)  # fmt: skip
def test_a_wrong_form_breaks_nothing(change: dict[str, Any], status: int) -> None:
    call, omar = make_tool_call(needed=2), person("omar", "break-glass")
    client = client_of(omar)
    assert client.post(path_of(call), answer_to(call, "break_glass", omar, reason=WHY) | change).status_code == status
    call.refresh_from_db()
    assert call.status == "pending" and not Decision.objects.exists()


def test_who_may_not_is_not_offered_it_and_cannot_by_posting_the_form() -> None:
    own = person("omar", "break-glass", "approver")
    run = make_run(requester=own)
    call = make_tool_call(run=run, needed=2)
    for user in (own, make_user("ava", "approver"), make_user("ada", "auditor"), run.agent.owner):
        client = client_of(user)
        for live in ({}, LIVE):
            assert b"glass-fold" not in client.get(path_of(call), headers=live).content, user
        assert client.post(path_of(call), answer_to(call, "break_glass", user, reason=WHY)).status_code == 403
    assert not Decision.objects.exists()


def test_a_second_person_reviews_it_once_and_the_flag_goes() -> None:
    call = broken(person("omar", "break-glass"))
    row, ada = Decision.objects.get(call=call), make_user("ada", "auditor")
    client = client_of(ada)
    assert "Glass was broken: review it" in text_of(client.get("/"))
    assert b'value="review"' in client.get(path_of(call)).content
    form = {"answer": "review", "decision": row.pk, "note": "It did burn."}
    for bad in ({"note": " "}, {"decision": "x"}, {"note": "nul\0"}):
        assert client.post(path_of(call), form | bad).status_code == 400
    assert client.post(path_of(make_tool_call()), form).status_code == 404, "it belongs to another call"
    assert client.post(path_of(call), form).status_code == 303
    assert client.post(path_of(call), form).status_code == 409
    review = DecisionReview.objects.get()
    assert (review.person, review.note) == (ada, "It did burn.")
    for path, live in ((path_of(call), {}), (path_of(call), LIVE), (f"/runs/{call.run_id}/", {})):
        text = text_of(client.get(path, headers=live))
        assert "reviewed by ada" in text and "not reviewed" not in text, path
    assert "Glass was broken" not in text_of(client.get("/"))


def test_the_inbox_offers_reviews_to_exactly_those_who_may_give_them() -> None:
    omar, twin = person("omar", "break-glass", "auditor"), make_user("twin", "auditor", email="O@example.com")
    User.objects.filter(pk=omar.pk).update(email="o@example.com")
    requester = make_user("riley", "auditor")
    call = broken(omar, run=make_run(requester=requester))
    broken(omar, groups=("legal",))
    roles = ("auditor", "administrator", "approver", "legal", "operator", "break-glass", "requester")
    people = [omar, twin, requester, call.run.agent.owner, make_user("root", is_superuser=True)]
    people += [make_user(f"of-{role}", role) for role in roles]
    for user in map(fresh, people):
        may = [row for row in break_glass.unreviewed(user) if not break_glass.why_not_review(row, user)]
        assert to_review(mock.Mock(user=user)) == may, user
        assert ("Glass was broken" in text_of(client_of(user).get("/"))) == bool(may), user


def test_a_self_approval_and_a_stand_in_are_named_wherever_a_decision_is_shown() -> None:
    sam, call = make_user("sam", "approver", first_name="Sam"), make_tool_call(needed=2)
    Decision.objects.create(
        call=call, round=1, person=make_user("ava"), person_name="Ava", answer="approve", surface="web",
        digest_seen=call.arguments_digest, created_at=call.created_at, is_self_approval=True, on_behalf_of=sam,
    )  # fmt: skip
    for path in (path_of(call), f"/runs/{call.run_id}/"):
        text = " ".join(text_of(client_of(sam).get(path)).split())
        assert "Ava , standing in for Sam , approved own request" in text


def test_the_hidden_time_of_a_break_glass_form_is_measured(world: World) -> None:
    call, client = ask(world, "files.delete", {"path": "a.txt"}), client_of(person("omar", "break-glass"))
    client.post(path_of(call), answer_to(call, "break_glass", client, reason=WHY))
    seconds = Decision.objects.get(call=call).open_seconds
    assert seconds is not None and 0 <= seconds < 60
