"""Editing before approving: a new round on other arguments, by who could decide and does not vote any more."""

import json
from typing import Any

import pytest

from agents.approval import rounds
from agents.models import Decision, ToolCall
from tests.agents.pages import LIVE, client_of, events_of, path_of, seen, text_of
from tests.agents.steps import WRITE, approve, ask
from tests.factories import make_tool_call, make_user
from tests.world import World, person

pytestmark = pytest.mark.django_db
CONTENT, PATH = "argument-0", "argument-1"  # a declaration is canonical JSON: its names are sorted


def edit_path(call: ToolCall) -> str:
    return f"{path_of(call)}edit/"


def edited_form(call: ToolCall, by: Any, **fields: Any) -> dict[str, Any]:
    """The form of files.write, whose arguments are path and content, as a browser sends it."""
    now = json.loads(bytes(call.revisions.get(number=call.revision).arguments))
    shown = {PATH: now["path"], CONTENT: now["content"], "comment": "It belongs to June."}
    return seen(call, by) | shown | fields


def test_an_edit_asks_everybody_anew_and_the_next_approver_sees_both(world: World) -> None:
    call = ask(world)
    ava, sam = client_of(world.ava), client_of(world.sam)
    page = ava.get(edit_path(call)).content.decode()
    assert 'value="reports/may.txt"' in page or ">\nreports/may.txt<" in page
    answer = ava.post(edit_path(call), edited_form(call, ava, **{PATH: "reports/june<b>.txt"}))
    assert (answer.status_code, answer["Location"]) == (303, path_of(call))
    call.refresh_from_db()
    assert (call.revision, call.round, call.status) == (2, 2, "pending")
    assert json.loads(bytes(call.revisions.get(number=2).arguments)) == WRITE | {"path": "reports/june<b>.txt"}
    for client, live in ((sam, {}), (sam, LIVE), (client_of(world.sam), {})):
        shown = client.get(path_of(call), headers=live)
        for words in (
            "The agent asked for",
            "reports/may.txt",
            "reports/june<b>.txt",
            "It belongs to June.",
            "ava",
            "revision 2",
        ):
            assert words in text_of(shown).replace("&lt;", "<"), words
        assert "june<b>" not in shown.content.decode()
    mine = text_of(ava.get(path_of(call)))
    assert "You wrote these arguments; someone else must decide." in mine
    assert ava.post(path_of(call), seen(call, ava) | {"answer": "approve"}).status_code == 403
    assert rounds.missing(call) == 1
    assert approve(call, world.sam).status == "approved"
    assert events_of(call.pk).count("tool_call.edited") == 1


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"comment": " "}, 400, "required"), ({"comment": "x" * 3_000}, 400, "at most 2000"),
        ({CONTENT: None}, 400, "did not arrive"), ({"opened": "x"}, 400, "not made for you"),
        ({"digest": "0" * 64}, 400, "Nothing was changed"), ({"round": 9}, 400, "not made for you"),
        ({}, 400, "same as before"), ({PATH: ""}, 400, "at least 1"), ({PATH: "nul\0"}, 400, "NUL"),
    ],
)  # fmt: skip
def test_a_wrong_edit_is_told_and_changes_nothing(world: World, change: dict[str, Any], status: int, said: str) -> None:
    call, ava = ask(world), client_of(world.ava)
    form = {name: value for name, value in (edited_form(call, ava) | change).items() if value is not None}
    response = ava.post(edit_path(call), form)
    assert response.status_code == status
    assert said in text_of(response), text_of(response)
    call.refresh_from_db()
    assert (call.revision, call.round) == (1, 1)


def test_what_policy_denies_is_said_on_the_page_and_what_was_typed_stays(world: World) -> None:
    call, ava = (
        ask(world, "email.send", {"to": ["ada@example.com"], "subject": "Hi", "body": "A\nB"}),
        client_of(world.ava),
    )
    boxes = {"argument-0": "A\r\nB", "argument-1": "Hi", "argument-2": "ada@example.com\r\neve@example.org"}
    response = ava.post(edit_path(call), seen(call, ava) | boxes | {"comment": "Eve too."})
    assert response.status_code == 409
    assert "Mail goes to addresses at example.com only." in text_of(response)
    assert "eve@example.org" in response.content.decode() and "Eve too." in response.content.decode()
    call.refresh_from_db()
    assert call.revision == 1


def test_an_edit_of_what_changed_meanwhile_is_stale_and_shows_what_is_there_now(world: World) -> None:
    call, ava, sam = ask(world), client_of(world.ava), client_of(world.sam)
    late = edited_form(call, sam, **{PATH: "reports/july.txt"})
    ava.post(edit_path(call), edited_form(call, ava, **{PATH: "reports/june.txt"}))
    response = sam.post(edit_path(call), late)
    assert response.status_code == 409
    assert "reports/june.txt" in response.content.decode() and "reports/july.txt" not in response.content.decode()
    call.refresh_from_db()
    assert call.revision == 2


@pytest.mark.parametrize("who", ["requester", "editor", "stranger", "operator", "nobody"])
def test_who_could_not_decide_does_not_edit(world: World, who: str) -> None:
    call = ask(world)
    ava = client_of(world.ava)
    if who == "editor":
        ava.post(edit_path(call), edited_form(call, ava, **{PATH: "reports/june.txt"}))
        call.refresh_from_db()
    people = {"requester": world.riley, "editor": world.ava, "stranger": make_user("eve"), "nobody": None}
    user = people[who] if who in people else person("omar", "operator")
    before = call.revision
    if user is None:
        assert ava.__class__().get(edit_path(call)).status_code == 302
        return
    client = client_of(user)
    expected = 404 if who == "stranger" else 403
    assert client.post(edit_path(call), edited_form(call, user, **{PATH: "reports/x.txt"})).status_code == expected
    page = client.get(edit_path(call))
    assert page.status_code == (404 if who == "stranger" else 200)
    assert b"name=PATH" not in page.content and b"Hello" not in page.content
    assert f'href="{edit_path(call)}"' not in client.get(path_of(call)).content.decode()
    call.refresh_from_db()
    assert call.revision == before and not Decision.objects.exists()


def test_who_may_not_read_bodies_sees_that_something_was_changed_and_not_what(world: World) -> None:
    call, ava = ask(world), client_of(world.ava)
    ava.post(edit_path(call), edited_form(call, ava, **{CONTENT: "secret words"}))
    for live in ({}, LIVE):
        page = text_of(client_of(world.riley).get(path_of(call), headers=live))
        assert "What people changed" in page and "hidden from you: 12 bytes" in page
        assert "secret words" not in page and "Hello" not in page


def test_a_rule_that_asks_for_a_second_factor_says_so_first_and_where_to_prove_it(world: World) -> None:
    call, ava = ask(world), client_of(world.ava)
    assert "second factor" not in text_of(ava.get(path_of(call)))
    ToolCall.objects.filter(pk=call.pk).update(sign_in_minutes=5)
    refused = ava.post(edit_path(call), edited_form(call, ava, **{PATH: "reports/june.txt"}))
    assert refused.status_code == 403 and b"reports/june.txt" in refused.content, "what was typed stays"
    for page in (ava.get(path_of(call)), refused):
        assert "second factor" in text_of(page) and "/accounts/confirm/?next=" in page.content.decode()
    assert call.revisions.count() == 1


def test_a_call_that_is_over_is_not_edited() -> None:
    call, ava = make_tool_call("rejected"), make_user("ava", "approver")
    assert client_of(ava).post(edit_path(call), seen(call, ava)).status_code == 409
