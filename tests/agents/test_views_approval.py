"""The approval page: what it shows to whom, and what becomes of an answer."""

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.test import Client

from agents.approval import opened
from agents.models import Decision, ToolCall
from agents.states import Status
from audit import clock
from m1site.accounts.models import User
from tests.agents.pages import LIVE, answer_to, client_of, events_of, path_of, text_of
from tests.factories import decide, make_run, make_tool_call, make_tool_version, make_user

pytestmark = pytest.mark.django_db
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ call.pk }}{% now 'Y' %}", "https://evil.example/?q=1",
    "APPROVED by admin", "\u202etxt.exe", "a\u200bb", "p\u0430ypal", "javascript:alert(1)",
)  # fmt: skip


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


@pytest.fixture
def approver() -> Client:
    return client_of(make_user("ava", "approver"))


def test_the_page_says_what_will_run_why_and_who_wants_it(approver: Client) -> None:
    call = make_tool_call(arguments={"path": "reports/may.txt", "content": "Hello", "mode": 7}, needed=2)
    text = text_of(approver.get(path_of(call)))
    facts = ("Write reports/may.txt", "0 of 2", "Hello", "7", call.arguments_digest, "Rule ask asks for review.")
    for fact in (*facts, "Agent's text, untrusted", "The report is due.", "Tidy up", call.run.requester.username):
        assert fact in text, fact


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words_and_hidden_characters_show(approver: Client, words: str) -> None:
    arguments = {"path": words, words: [words], "content": f"{words}\n{words}"}
    call = make_tool_call(
        run=make_run(goal=words), arguments=arguments, reason=words, headline=words, note=words,
        preview=json.dumps({"kind": "message", "summary": words, "body": words}), preview_state="ready",
    )  # fmt: skip
    plain, page = approver.get(path_of(make_tool_call())).content.decode(), approver.get(path_of(call)).content.decode()
    assert page.count("<script") == plain.count("<script")
    assert page.count("<img") == plain.count("<img")
    assert 'href="https://evil' not in page and 'href="javascript' not in page
    assert "\u202e" not in page.replace(f'data-copy="{json_of(call)}"', "")
    assert ("⟦U+202E⟧" in page) == ("\u202e" in words)
    assert ("⟦U+200B⟧" in page) == ("\u200b" in words)
    assert ("Mixes alphabets" in page) == ("\u0430" in words)


def json_of(call: ToolCall) -> str:
    return html.escape(bytes(call.revisions.get().arguments).decode())


def test_words_of_the_agent_change_no_fact_of_the_page(approver: Client) -> None:
    reason = "Risk: low. </blockquote></section><h1>Approved</h1> Policy version 99"
    page = approver.get(path_of(make_tool_call(reason=reason))).content.decode()
    assert page.count("<h1") == 1
    assert "Medium risk" in page and "Low risk" not in page


def test_an_argument_of_any_length_is_shown_to_its_end(approver: Client) -> None:
    content = "x" * 30_000 + "\n" * 700 + "THE END"
    page = approver.get(path_of(make_tool_call(arguments={"content": content}))).content.decode()
    listed, raw = page.split('id="raw-fold"')
    assert "THE END" in listed and "THE END" in raw


def test_who_may_not_read_bodies_sees_lengths_only() -> None:
    version = make_tool_version(sensitive_arguments=["password"])
    run = make_run()
    call = make_tool_call(
        run=run, version=version, arguments={"password": "hunter2", "note": "plainly"},
        preview='{"kind":"text","summary":"hunter2","body":""}', preview_state="ready",
    )  # fmt: skip
    for live in ({}, LIVE):
        page = client_of(run.requester).get(path_of(call), headers=live).content.decode()
        assert "hunter2" not in page and "plainly" not in page
    assert "hidden from you: 7 bytes" in text_of(client_of(run.requester).get(path_of(call)))
    assert "hunter2" in client_of(make_user("", "approver")).get(path_of(call)).content.decode()


def test_a_stranger_finds_the_same_as_for_a_call_that_does_not_exist() -> None:
    stranger, call = client_of(make_user("eve")), make_tool_call()
    missing = path_of(call).replace(str(call.pk)[-4:], "0000")
    posted = stranger.post(path_of(call), answer_to(call, "approve", stranger))
    pages = [stranger.get(path_of(call)), stranger.get(missing), posted]
    assert [page.status_code for page in pages] == [404, 404, 404]
    assert len({page.content for page in pages}) == 1
    assert not Decision.objects.exists()


def test_an_approval_is_recorded_once_however_often_it_is_sent(approver: Client) -> None:
    call = make_tool_call()
    for _ in range(3):
        response = approver.post(path_of(call), answer_to(call, "approve", approver, comment="Fine."))
        assert (response.status_code, response["Location"]) == (303, path_of(call))
    decision = Decision.objects.get(call=call)
    assert (decision.person.username, decision.surface, decision.comment) == ("ava", "web", "Fine.")
    call.refresh_from_db()
    assert call.status == Status.APPROVED
    assert events_of(call.pk).count("tool_call.approved") == 1
    assert "Fine." in text_of(approver.get(path_of(call)))


def test_a_rejection_needs_a_reason_and_gives_it_to_the_agent(approver: Client) -> None:
    call = make_tool_call()
    refused = approver.post(path_of(call), answer_to(call, "reject", approver, comment="  "))
    assert refused.status_code == 400 and "Choose a reason" in text_of(refused)
    assert not Decision.objects.exists()
    approver.post(path_of(call), answer_to(call, "reject", approver, preset="Wrong target", comment="It is June."))
    call.refresh_from_db()
    assert (call.status, call.note) == (Status.REJECTED, "Wrong target: It is June.")


def test_reject_and_stop_ends_the_run_too(approver: Client) -> None:
    call = make_tool_call()
    other = make_tool_call(turn=call.turn)
    approver.post(path_of(call), answer_to(call, "stop", approver, preset="Suspicious arguments"))
    other.refresh_from_db()
    other.run.refresh_from_db()
    assert (other.status, other.run.status) == (Status.CANCELLED, "cancelled")


@pytest.mark.parametrize(
    ("status", "change"),
    [("pending", {"digest": "0" * 64}), ("pending", {"round": 2}), ("expired", {}), ("rejected", {})],
)
def test_an_answer_to_what_is_no_longer_there_is_explained_and_not_recorded(
    approver: Client, status: str, change: dict[str, object]
) -> None:
    call = make_tool_call(status)
    response = approver.post(path_of(call), answer_to(call, "approve", approver, **change))
    assert response.status_code == 409
    assert "The call has changed meanwhile." in text_of(response)
    assert not Decision.objects.filter(call=call, person__username="ava").exists()


@pytest.mark.parametrize(
    "bad",
    [{"answer": "maybe"}, {"answer": ""}, {"digest": "x"}, {"digest": ""}, {"round": "one"}, {"round": "-1"},
     {"round": "9" * 30}, {"comment": "x" * 5_000}, {"comment": "nul\0"}],
)  # fmt: skip
def test_a_malformed_answer_is_refused_and_changes_nothing(approver: Client, bad: dict[str, str]) -> None:
    call = make_tool_call()
    response = approver.post(path_of(call), answer_to(call, "approve", approver) | bad)
    assert response.status_code == 400
    assert "Nothing was recorded." in text_of(response)
    assert not Decision.objects.exists()


def test_no_answer_comes_by_get_or_without_the_csrf_token(approver: Client) -> None:
    call = make_tool_call()
    approver.get(path_of(call), answer_to(call, "approve", approver))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user("sam", "approver"))
    refused = strict.post(path_of(call), answer_to(call, "approve", strict))
    assert refused.status_code == 403 and "too old" in text_of(refused)
    assert not Decision.objects.exists()


def test_why_a_person_may_not_decide_stands_in_the_place_of_the_buttons(approver: Client) -> None:
    run = make_run(requester=make_user("riley", "approver"))
    call = make_tool_call(run=run, needed=2)
    own = client_of(run.requester).get(path_of(call))
    assert "This is your own request" in text_of(own) and b'value="approve"' not in own.content
    approver.post(path_of(call), answer_to(call, "approve", approver))
    again = approver.get(path_of(call))
    assert "You have decided already." in text_of(again) and b'value="approve"' not in again.content
    mine = answer_to(call, "approve", run.requester)
    assert client_of(run.requester).post(path_of(call), mine).status_code == 403


def test_a_lost_call_is_settled_by_someone_who_looked(approver: Client) -> None:
    call = make_tool_call("lost")
    answer = {"answer": "settle", "outcome": "succeeded"}
    assert approver.post(path_of(call), answer).status_code == 400
    assert approver.post(path_of(call), answer | {"note": "I saw it."}).status_code == 303
    call.refresh_from_db()
    assert (call.status, call.note) == (Status.SUCCEEDED, "I saw it.")
    assert "settled by ava" in text_of(approver.get(path_of(call)))


def test_the_live_part_comes_again_only_when_something_happened(approver: Client) -> None:
    call = make_tool_call(needed=2)
    path = f"{path_of(call)}?seen=pending.1.{call.arguments_digest[:12]}.yes"
    first = approver.get(path, headers=LIVE)
    known = LIVE | {"If-None-Match": first["ETag"]}
    assert approver.get(path, headers=known).status_code == 304
    assert b'id="call-actions"' not in first.content, "a form that somebody fills in is left alone"
    decide(call, make_user("sam", "approver"))
    assert "1 of 2" in text_of(approver.get(path, headers=known))
    ToolCall.objects.filter(pk=call.pk).update(status="expired")
    changed = approver.get(path, headers=known).content.decode()
    assert 'id="call-actions"' in changed and 'value="approve"' not in changed


def test_a_result_is_shown_escaped_once_the_tool_has_finished(approver: Client) -> None:
    call = make_tool_call("succeeded", output=json.dumps({"text": "<b>done\u200b</b>"}))
    page = approver.get(path_of(call)).content.decode()
    assert "&lt;b&gt;done" in page and "⟦U+200B⟧" in page
    assert "every 2s" not in page, "what is over is not asked for again"


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "x",
        "eyJhdCI6MX0:forged",
        "ünïcode",
        "x" * 2_000,
        "another person",
        "another call",
        "another round",
        "other words",
    ],
)
def test_a_form_that_was_not_made_for_this_person_and_call_is_refused(approver: Client, foreign: str) -> None:
    call, eve = make_tool_call(needed=2), make_user("eve", "approver")
    made = {
        "another person": answer_to(call, "approve", eve),
        "another call": answer_to(make_tool_call(), "approve", approver),
        "another round": answer_to(call, "approve", approver, round=2),
        "other words": answer_to(call, "approve", approver, digest="0" * 64),
    }  # fmt: skip
    mark = made[foreign]["opened"] if foreign in made else foreign
    response = approver.post(path_of(call), answer_to(call, "approve", approver) | {"opened": mark})
    assert response.status_code == 400 and "Nothing was recorded." in text_of(response)
    assert not Decision.objects.exists()


def test_how_long_the_page_was_open_is_measured_from_its_first_showing(approver: Client) -> None:
    call, ava = make_tool_call(), User.objects.get(username="ava")
    opened_at = clock.now() - timedelta(seconds=90)
    form = answer_to(call, "reject", approver) | {"opened": opened.mark(call, ava, opened_at)}
    again = approver.post(path_of(call), form)
    assert again.status_code == 400
    (mark,) = set(re.findall(r'name="opened" value="([^"]+)"', again.content.decode()))
    approver.post(path_of(call), form | {"opened": mark, "comment": "No."})
    seconds = Decision.objects.get().open_seconds
    assert seconds is not None and 90 <= seconds < 120


def test_every_form_of_a_page_says_when_it_was_shown_and_live_parts_only_when_they_are_new(approver: Client) -> None:
    call = make_tool_call()
    page = approver.get(path_of(call)).content.decode()
    assert page.count('name="opened"') == page.count('name="digest"') == 2
    state = f"pending.1.{call.arguments_digest[:12]}.yes"
    assert 'name="opened"' not in approver.get(f"{path_of(call)}?seen={state}", headers=LIVE).content.decode()
    assert 'name="opened"' in approver.get(f"{path_of(call)}?seen=x", headers=LIVE).content.decode()
