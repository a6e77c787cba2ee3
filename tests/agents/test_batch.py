"""Several calls on one page: what is let in and what is left out, one decision and one event for each."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from agents.approval import opened
from agents.models import Decision, ToolCall
from m1site.accounts.models import User
from tests.agents.pages import client_of, events_of, text_of
from tests.factories import decide, make_run, make_tool_call, make_tool_version, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ava() -> User:
    return make_user("ava", "approver")


def form_for(client: Client, *calls: ToolCall, **fields: Any) -> dict[str, Any]:
    """Return what the page posts that shows these calls as they stand."""
    person = User.objects.get(pk=client.session["_auth_user_id"])
    sent: dict[str, Any] = {"tool": calls[0].tool_name, "answer": "approve", "call": [str(call.pk) for call in calls]}
    for call in calls:
        sent[f"seen_{call.pk}"] = f"{call.arguments_digest}:{call.round}"
        sent[f"opened_{call.pk}"] = opened.mark(call, person)
    return sent | fields


def shown_on(client: Client, *calls: ToolCall) -> HttpResponse:
    return client.get("/batch/", {"call": [str(call.pk) for call in calls]})


def decided_here(page: HttpResponse) -> set[str]:
    """Return the calls that the page's form decides."""
    return {str(one.call.pk) for one in page.context["entries"]}


def test_every_call_is_shown_with_every_argument_and_its_digest(ava: User) -> None:
    calls = [
        make_tool_call(arguments={"path": f"{number}.txt", "content": f"text-{number}\u202e"}) for number in (1, 2)
    ]
    page = shown_on(client_of(ava), *calls)
    said = text_of(page)
    for number, call in enumerate(calls, 1):
        assert f"{number}.txt" in said
        assert f"text-{number}" in said
        assert call.arguments_digest in said
    assert said.count("⟦U+202E⟧") == 2
    assert decided_here(page) == {str(call.pk) for call in calls}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"risk": "high"}, "Its risk is high"),
        ({"risk": "critical"}, "Its risk is critical"),
        ({"needed": 2}, "More than one person must say yes"),
        ({"sign_in_minutes": 5}, "recent sign-in"),
        ({"groups": ("legal",)}, "Members of legal decide this"),
        ({"status": "rejected"}, "The call is rejected"),
    ],
)
def test_what_asks_for_a_decision_by_itself_is_left_out_with_the_reason(
    ava: User, facts: dict[str, Any], why: str
) -> None:
    status = facts.pop("status", "pending")
    fine = make_tool_call(arguments={"path": "fine"})
    odd = make_tool_call(status, run=fine.run, **facts)  # ava sees what else is in the run
    client = client_of(ava)
    page = shown_on(client, fine, odd)
    assert decided_here(page) == {str(fine.pk)}
    assert why in text_of(page)
    client.post("/batch/", form_for(client, fine, odd))
    assert list(Decision.objects.filter(person=ava).values_list("call_id", flat=True)) == [fine.pk]


def test_ones_own_request_and_another_tool_are_left_out(ava: User) -> None:
    own, fine = make_tool_call(run=make_run(requester=ava)), make_tool_call()
    other = make_tool_call(version=make_tool_version("files.delete"))
    client = client_of(ava)
    page = shown_on(client, own, fine, other)
    assert decided_here(page) == {str(fine.pk)}
    assert "This is your own request" in text_of(page)
    assert "only calls of one tool" in text_of(page)
    client.post("/batch/", form_for(client, fine, own, other))
    assert list(Decision.objects.filter(person=ava).values_list("call_id", flat=True)) == [fine.pk]


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_each_gets_one_decision_and_one_event_as_if_decided_by_itself(ava: User, answer: str) -> None:
    calls = [make_tool_call() for _ in range(3)]
    client = client_of(ava)
    response = client.post("/batch/", form_for(client, *calls, answer=answer, preset="Out of scope"))
    assert response.status_code == 303
    for call in calls:
        (row,) = Decision.objects.filter(call=call)
        assert (row.answer, row.surface, row.digest_seen, row.comment) == (
            answer, "web", call.arguments_digest, "Out of scope",
        )  # fmt: skip
        assert row.open_seconds is not None
        call.refresh_from_db()
        assert call.status == {"approve": "approved", "reject": "rejected"}[answer]
        assert events_of(call.pk).count("tool_call.vote") == 1
    page = client.get(response["Location"])
    assert decided_here(page) == set()
    assert text_of(page).count(f"The call is {calls[0].status}") == 3


def test_what_goes_wrong_with_one_is_told_and_touches_no_other(ava: User) -> None:
    sam, calls = make_user("sam", "approver"), [make_tool_call(headline=f"Call {number}") for number in range(4)]
    client = client_of(ava)
    form = form_for(client, *calls)
    decide(calls[1], sam, "reject")
    ToolCall.objects.filter(pk=calls[1].pk).update(status="rejected", ended_at=calls[1].created_at)
    ToolCall.objects.filter(pk=calls[2].pk).update(round=2)
    ToolCall.objects.filter(pk=calls[3].pk).update(risk="critical")
    said = text_of(client.post("/batch/", form, follow=True))
    assert list(Decision.objects.filter(person=ava).values_list("call_id", flat=True)) == [calls[0].pk]
    assert "“Call 1”: Nothing was recorded: the call is rejected by now. sam was faster and rejected it." in said
    assert "“Call 2”: Nothing was recorded: the call is not the one that was shown any more" in said
    assert "“Call 3”: Its risk is critical" in said


def test_the_same_form_once_more_changes_nothing(ava: User) -> None:
    call = make_tool_call()
    client = client_of(ava)
    form = form_for(client, call, answer="reject", comment="No.")
    assert [client.post("/batch/", form).status_code for _ in range(2)] == [303, 303]
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("foreign", ["", "x", "another person's", "another call's", "an older digest's"])
def test_a_mark_that_was_not_made_for_this_person_and_call_decides_nothing(ava: User, foreign: str) -> None:
    call, other, client = make_tool_call(), make_tool_call(), client_of(ava)
    older = ToolCall(pk=call.pk, arguments_digest="0" * 64, round=1)
    marks = {
        "another person's": opened.mark(call, make_user("sam", "approver")),
        "another call's": opened.mark(other, ava),
        "an older digest's": opened.mark(older, ava),
    }
    form = form_for(client, call) | {f"opened_{call.pk}": marks.get(foreign, foreign)}
    assert "the form was not made for you" in text_of(client.post("/batch/", form, follow=True))
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    "seen", ["", ":", "x:1", f"{'0' * 64}:1", f"{'0' * 64}:", f"{'0' * 64}:-1", f"{'0' * 64}:999999", "\0:²", "a:b:c"]
)
def test_odd_digests_and_rounds_decide_nothing(ava: User, seen: str) -> None:
    call, client = make_tool_call(), client_of(ava)
    form = form_for(client, call) | {f"seen_{call.pk}": seen}
    assert client.post("/batch/", form).status_code == 303
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"answer": "reject"}, "Choose a reason"),
        ({"answer": "maybe"}, "Select a valid choice"),
        ({"answer": "reject", "preset": "Because"}, "Select a valid choice"),
        ({"comment": "x" * 2_001}, "at most 2000 characters"),
        ({"comment": "nul\0"}, "Null characters"),
        ({"tool": ""}, "required"),
        ({"expanded": "everything"}, "The page has no such part"),
        ({"focus_seconds": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_form_that_is_not_complete_records_nothing_and_keeps_what_was_written(
    ava: User, fields: dict[str, str], said: str
) -> None:
    call, client = make_tool_call(), client_of(ava)
    response = client.post("/batch/", form_for(client, call) | fields)
    assert response.status_code == 400
    assert said in text_of(response)
    assert decided_here(response) == {str(call.pk)}
    assert not Decision.objects.exists()


def test_at_most_twenty_and_the_page_says_so(ava: User) -> None:
    calls = [make_tool_call(arguments={"path": str(number)}) for number in range(22)]
    client = client_of(ava)
    page = shown_on(client, *calls)
    assert len(decided_here(page)) == 20
    assert "At most 20 calls" in text_of(page)
    client.post("/batch/", form_for(client, *calls, answer="reject", comment="No."))
    assert Decision.objects.count() == 20


def test_all_that_are_alike_at_once_and_nobody_elses(ava: User) -> None:
    run = make_run()
    calls = [make_tool_call(run=run, arguments={"path": "same"}) for _ in range(3)]
    other = make_tool_call(arguments={"path": "same"})
    page = client_of(ava).get("/batch/", {"like": str(calls[0].pk)})
    assert decided_here(page) == {str(call.pk) for call in calls}
    assert str(other.pk) not in page.content.decode()


def test_calls_that_a_person_cannot_see_do_not_exist_here(ava: User) -> None:
    call, eve = make_tool_call(), client_of(make_user("eve"))
    assert "No call was chosen" in text_of(shown_on(eve, call))
    assert call.headline not in text_of(shown_on(eve, call))
    eve.post("/batch/", form_for(eve, call))
    assert not Decision.objects.exists()
    assert eve.get("/batch/", {"like": str(call.pk)}).status_code == 404


@pytest.mark.parametrize("query", [{"call": "x"}, {"like": "x"}, {"call": "nul\0"}, {"call": "0" * 32}])
def test_odd_addresses_are_told_so(ava: User, query: dict[str, str]) -> None:
    assert client_of(ava).get("/batch/", query).status_code == (200 if query.get("call") == "0" * 32 else 404)
    assert Client().get("/batch/", query).status_code == 302


def test_nothing_is_decided_by_a_get(ava: User) -> None:
    call, client = make_tool_call(), client_of(ava)
    client.get("/batch/", form_for(client, call))
    assert not Decision.objects.exists()
