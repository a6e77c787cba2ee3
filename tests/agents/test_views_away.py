"""Standing in: named, ended and shown on a page; what conflicts is told at its field."""

from datetime import timedelta
from typing import Any

import pytest

from agents.approval import delegations
from agents.models import Delegation
from audit import clock
from m1site.accounts.models import User
from tests.agents.pages import client_of, path_of, text_of
from tests.factories import make_run, make_tool_call, make_user

pytestmark = pytest.mark.django_db


def form(**change: Any) -> dict[str, Any]:
    now = clock.now()
    times = {"starts_at": now - timedelta(minutes=1), "ends_at": now + timedelta(days=3)}
    return {name: f"{at:%Y-%m-%dT%H:%M}" for name, at in times.items()} | {"delegate": "ava", "reason": "Sea"} | change


def give(person: User, delegate: User, **ahead: int) -> Delegation:
    begin = clock.now() + timedelta(**ahead)
    return delegations.delegate(
        person=person, delegate=delegate, starts_at=begin, ends_at=begin + timedelta(days=2), reason="Sea"
    )


def test_a_stand_in_is_named_shown_to_both_and_ended_by_either() -> None:
    ava, sam = make_user("ava", first_name="Ava"), make_user("sam", "approver", first_name="Sam")
    for ender in (sam, ava):
        assert client_of(sam).post("/away/", form()).status_code == 302
        row = Delegation.objects.get(ended_at=None)
        assert (row.person, row.delegate, row.reason) == (sam, ava, "Sea")
        assert "Ava" in text_of(client_of(sam).get("/away/")).split("Who stands in for me")[1].split("For whom")[0]
        assert "Sam" in text_of(client_of(ava).get("/away/")).split("For whom I stand in")[1]
        assert client_of(ender).post(f"/away/{row.pk}/end/").status_code == 302
        assert client_of(ender).post(f"/away/{row.pk}/end/").status_code == 404
        assert "Over" in text_of(client_of(ava).get("/away/"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"delegate": ""}, "required"), ({"delegate": "nobody"}, "No active person"),
        ({"delegate": "bot"}, "No active person"), ({"delegate": "gone"}, "No active person"),
        ({"delegate": "sam"}, "somebody else"), ({"delegate": "twin"}, "somebody else"),
        ({"delegate": "x" * 151}, "at most 150"), ({"reason": " "}, "required"),
        ({"reason": "x" * 501}, "at most 500"), ({"reason": "nul\0"}, "Null"),
        ({"starts_at": "soon"}, "Write a date"), ({"ends_at": ""}, "required"),
        ({"ends_at": "2020-01-01T00:00"}, "more than a year"), ({"ends_at": "LATE"}, "at most 92 days"),
        ({"ends_at": "9999-12-31T23:59:59-14:00"}, "too far away"), ({"ends_at": "PAST"}, "ahead"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "too far away"),
    ],
)  # fmt: skip
def test_a_malformed_delegation_is_told_at_its_field(change: dict[str, str], said: str) -> None:
    now = clock.now()
    words = {"LATE": now + timedelta(days=200), "PAST": now - timedelta(minutes=1)}
    change = {name: f"{words[text]:%Y-%m-%dT%H:%M}" if text in words else text for name, text in change.items()}
    sam = make_user("sam", "approver", email="s@example.com")
    (
        make_user("ava"),
        make_user("bot", kind="service"),
        make_user("gone", is_active=False),
        make_user("twin", email="S@example.com"),
    )
    response = client_of(sam).post("/away/", form(**change))
    assert response.status_code == 400, response.content
    (field,) = change
    at_field = response.content.decode().split(f'id="id_{field}"')[1].split("</div>")[0]
    assert 'role="alert"' in at_field and said in text_of(response), text_of(response)
    assert not Delegation.objects.exists()


@pytest.mark.parametrize(
    ("conflict", "field", "said"),
    [("have one", "starts_at", "a stand-in already"), ("they are away", "delegate", "who is away in that time"),
     ("I stand in", "starts_at", "that is not passed on")],
)  # fmt: skip
def test_a_conflict_is_told_at_its_field(conflict: str, field: str, said: str) -> None:
    sam, ava, kim = make_user("sam"), make_user("ava"), make_user("kim")
    give(*{"have one": (sam, kim), "they are away": (ava, kim), "I stand in": (kim, sam)}[conflict], hours=2)
    response = client_of(sam).post("/away/", form())
    assert response.status_code == 400
    assert said in response.content.decode().split(f'id="id_{field}"')[1].split("</div>")[0]
    assert Delegation.objects.count() == 1


def test_nobody_ends_or_sees_what_concerns_others() -> None:
    sam, ava, eve = make_user("sam"), make_user("ava"), client_of(make_user("eve", "approver"))
    row = give(sam, ava)
    assert eve.post(f"/away/{row.pk}/end/").status_code == 404
    assert "Sea" not in text_of(eve.get("/away/"))
    row.refresh_from_db()
    assert row.ended_at is None


def test_who_stands_in_is_told_in_whose_place_on_inbox_and_call() -> None:
    sam, ava = make_user("sam", "finance", first_name="Sam"), make_user("ava", "approver")
    call = make_tool_call(groups=("finance",))
    make_tool_call(groups=("approver",), arguments={"path": "mine"})
    client = client_of(ava)
    assert client.get(path_of(call)).status_code == 404
    give(sam, ava)
    inbox = client.get("/").content.decode()
    assert inbox.count("you stand in for Sam") == 1 and "(2) Inbox" in inbox
    assert "You decide in the place of Sam, who is away." in text_of(client.get(path_of(call)))
    own = make_tool_call(groups=("finance",), run=make_run(requester=sam), arguments={"path": "sam's"})
    assert f'id="call-{own.pk}"' not in client.get("/").content.decode().split("Waiting for others")[0]
