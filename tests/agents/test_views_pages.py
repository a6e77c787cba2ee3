"""Inbox, runs, pre-authorisations: who sees what, in which order, and what the forms do."""

import json
from datetime import timedelta
from unittest import mock
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.models import Agent, AgentRun
from audit import clock
from policy.models import ApprovalToken
from tests.agents.pages import LIVE, client_of, events_of, text_of
from tests.factories import PASSWORD, make_agent, make_run, make_tool_call, make_tool_version, make_turn, make_user

pytestmark = pytest.mark.django_db
PAGES = ("/", "/runs/", "/runs/new/", "/preauthorizations/")


def test_every_page_asks_for_a_sign_in_and_leads_back() -> None:
    for path in (*PAGES, f"/runs/{uuid4()}/", f"/approvals/{uuid4()}/"):
        assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"
        assert Client().get(path, headers=LIVE)["HX-Refresh"] == "true"


def test_signing_in_and_out() -> None:
    make_user("ava")
    client = Client()
    assert "wrong" in text_of(client.post("/accounts/login/", {"login": "ava", "password": "no"}))
    signed_in = client.post("/accounts/login/?next=/runs/", {"login": "ava", "password": PASSWORD, "next": "/runs/"})
    assert signed_in["Location"] == "/runs/"
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("path", [*PAGES, "/accounts/login/", "/nowhere/", "/admin/"])
def test_nothing_is_inline_and_every_page_is_protected(path: str) -> None:
    response = client_of(make_user("ava", "approver", is_staff=True, is_superuser=True)).get(path)
    page = response.content.decode()
    for inline in (" style=", "<style", " onclick=", " onload=", "javascript:", "data:", "<script>"):
        assert inline not in page, inline
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"


def test_the_inbox_puts_what_waits_for_me_first_the_riskiest_and_soonest_on_top() -> None:
    ava, now = make_user("ava", "approver"), clock.now()
    late, soon = now + timedelta(hours=5), now + timedelta(hours=1)
    make_tool_call(headline="medium soon", expires_at=soon)
    make_tool_call(headline="high late", risk="high", expires_at=late)
    make_tool_call(headline="high soon", risk="high", expires_at=soon)
    make_tool_call(headline="of another", run=make_run(requester=ava))
    make_tool_call("lost", headline="lost one")
    make_tool_call(headline="not mine to see", groups=("legal",))
    response = client_of(ava).get("/")
    text = text_of(response)
    order = [text.index(words) for words in ("lost one", "high soon", "high late", "medium soon", "of another")]
    assert order == sorted(order)
    assert "not mine to see" not in text
    assert "<title>(3) Inbox" in response.content.decode()


def test_the_inbox_is_sent_again_only_when_something_happened() -> None:
    client = client_of(make_user("ava", "approver"))
    assert "Nothing waits for you." in text_of(client.get("/"))
    known = LIVE | {"If-None-Match": client.get("/", headers=LIVE)["ETag"]}
    assert client.get("/", headers=known).status_code == 304
    make_tool_call()
    assert client.get("/", headers=known).status_code == 200


@pytest.mark.parametrize("path", ["/", "/runs/"])
def test_a_list_takes_as_many_queries_for_fifteen_rows_as_for_one(path: str) -> None:
    client = client_of(make_user("ava", "approver"))
    make_tool_call(needed=2)
    client.get(path)
    counts = []
    for more in (0, 14):
        for _ in range(more):
            make_tool_call(needed=2)
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_long_list_has_pages_and_a_wrong_page_number_is_no_error() -> None:
    client, turn = client_of(make_user("ava", "approver")), make_turn()
    for number in range(25):
        make_tool_call(turn=turn, arguments={"path": f"{number}.txt"})
    assert "Page 1 of 2" in text_of(client.get("/"))
    assert "Page 2 of 2" in text_of(client.get("/?page=999&others=x&lost=-1"))


def test_a_run_is_begun_once_however_often_its_form_is_sent() -> None:
    riley, agent = make_user("riley"), make_agent(planner="external", service_account=make_user("bot", kind="service"))
    form = {"goal": "Tidy <up>", "agent": agent.pk, "request_key": uuid4(), "budget_usd": "2.50"}
    client = client_of(riley)
    paths = {client.post("/runs/new/", form)["Location"] for _ in range(2)}
    run = AgentRun.objects.get()
    assert paths == {f"/runs/{run.pk}/"}
    assert (run.requester, run.goal, str(run.budget_usd)) == (riley, "Tidy <up>", "2.50")
    assert "Tidy &lt;up&gt;" in client.get(f"/runs/{run.pk}/").content.decode()


@pytest.mark.parametrize(
    "bad", [{"goal": " "}, {"agent": uuid4()}, {"agent": "x"}, {"budget_usd": "-1"}, {"budget_usd": "NaN"},
            {"preauthorization": uuid4()}, {"request_key": "x"}, {"goal": "nul\0"}],
)  # fmt: skip
def test_a_malformed_run_names_the_field_and_begins_nothing(bad: dict[str, object]) -> None:
    agent = make_agent()
    form = {"goal": "Tidy", "agent": agent.pk, "request_key": uuid4()} | bad
    response = client_of(make_user("riley")).post("/runs/new/", form)
    assert response.status_code == 400
    assert 'role="alert"' in response.content.decode()
    assert not AgentRun.objects.exists()


def test_the_page_of_a_run_tells_its_story_to_those_who_may_see_it() -> None:
    run = make_run()
    turn = make_turn(run, text="I will look.\u202e", input_tokens=1234, cost_usd="0.0042", is_scripted=True)
    make_tool_call("denied", turn=turn, headline="Delete everything", note="No.")
    make_tool_call("succeeded", turn=turn, headline="Read a.txt", output=json.dumps({"text": "A"}))
    text = text_of(client_of(run.requester).get(f"/runs/{run.pk}/"))
    for words in ("Tidy up", "Turn 1", "I will look. ⟦", "1,234 tokens in", "$0.0042", "scripted",
                  "Delete everything", "Denied", "Read a.txt", "Succeeded", "approved", "Run created"):  # fmt: skip
        assert words in text, words
    assert client_of(make_user("eve")).get(f"/runs/{run.pk}/").status_code == 404


def test_a_long_run_takes_as_many_queries_as_a_short_one() -> None:
    run = make_run()
    client = client_of(make_user("ava", "auditor", is_superuser=True))
    counts = []
    for _ in range(2):
        for _ in range(4):
            make_tool_call("succeeded", run=run)
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/runs/{run.pk}/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_run_is_cancelled_with_a_reason_and_not_twice() -> None:
    run = make_run()
    make_tool_call(run=run)
    client, path = client_of(run.requester), f"/runs/{run.pk}/"
    assert client.post(path, {"reason": " "}).status_code == 400
    assert client.post(path, {"reason": "Enough."}).status_code == 302
    assert client.post(path, {"reason": "Enough."}).status_code == 302, "a repeat"
    assert client_of(make_user("", "operator")).post(path, {"reason": "Enough."}).status_code == 409
    assert events_of(run.pk).count("run.cancelled") == 1


def preauthorization_form(agent: Agent) -> dict[str, object]:
    return {
        "tools": ["files.read"], "agents": [agent.pk], "requesters": "riley, ", "max_uses": 3, "hours": 2,
        "note": "May", "request_key": uuid4(),
    }  # fmt: skip


def make_issuer(name: str = "ava") -> Client:
    person = make_user(name, "approver")
    person.user_permissions.add(Permission.objects.get(codename="add_approvaltoken"))
    return client_of(person)


def test_a_preauthorisation_is_given_listed_to_whom_it_names_and_revoked() -> None:
    make_tool_version("files.read")
    agent, riley = make_agent("demo"), make_user("riley")
    issuer = make_issuer()
    form = preauthorization_form(agent)
    for _ in range(2):
        assert issuer.post("/preauthorizations/", form).status_code == 302
    token = ApprovalToken.objects.get()
    assert token.token not in issuer.get("/preauthorizations/").content.decode()
    assert "0 of 3" in text_of(client_of(riley).get("/preauthorizations/"))
    assert str(token.pk) in client_of(riley).get("/runs/new/").content.decode()
    namesake = client_of(make_user("demo"))
    assert "None yet." in text_of(namesake.get("/preauthorizations/")), "it names an agent, not a person"
    path = f"/preauthorizations/{token.pk}/revoke/"
    assert client_of(riley).post(path, {"reason": "x"}).status_code == 403
    assert client_of(make_user("eve")).post(path, {"reason": "x"}).status_code == 404
    assert issuer.post(path, {"reason": ""}).status_code == 400
    assert issuer.post(path, {"reason": "Enough."}).status_code == 302
    assert "Revoked" in text_of(issuer.get("/preauthorizations/"))
    assert str(token.pk) not in client_of(riley).get("/runs/new/").content.decode()


@pytest.mark.parametrize(
    "bad", [{"tools": ["x"]}, {"tools": []}, {"agents": []}, {"requesters": ","}, {"max_uses": 0}, {"hours": 0}]
)
def test_a_malformed_preauthorisation_is_refused(bad: dict[str, object]) -> None:
    make_tool_version("files.read")
    form = preauthorization_form(make_agent()) | bad
    assert make_issuer().post("/preauthorizations/", form).status_code == 400
    assert not ApprovalToken.objects.exists()


def test_who_may_not_give_preauthorisations_cannot_by_posting_the_form() -> None:
    with mock.patch("policy.tokens.issue_preauthorization") as issue:
        assert client_of(make_user("riley")).post("/preauthorizations/", {"tools": "x"}).status_code == 403
    issue.assert_not_called()
