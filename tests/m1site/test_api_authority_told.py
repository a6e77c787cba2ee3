"""What REST tells people, agents and programs about approval: words, codes, lists, the schema; and repeats."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import sweeps
from agents.models import Agent, Decision, Delegation, ToolCall
from audit import clock
from audit.models import AuditEvent
from tests.agents import steps
from tests.factories import groups_named, make_tool_call, make_turn
from tests.m1site.authority import REASON, broken, edited, everybody, rejected
from tests.m1site.conftest import Site, decision
from tests.m1site.rest import Rest, assert_problem, counts
from tests.world import person


@pytest.fixture
def people(site: Site) -> dict[str, Rest]:
    return everybody(site)


def test_an_agent_that_asks_too_much_is_told_to_wait(site: Site, people: dict[str, Rest]) -> None:
    Agent.objects.filter(pk=site.external.pk).update(max_pending=2)
    run, robot = site.run(), people["robot"]
    calls = [
        {"tool": "files.write", "arguments": {"path": f"{number}.txt", "content": "x"}, "reason": "x"}
        for number in range(3)
    ]
    told = robot.post(f"runs/{run.pk}/tool-calls", {"calls": calls}).json()["turns"][0]["toolCalls"]
    assert [call["status"] for call in told] == ["pending", "pending", "denied"]
    assert [reason["code"] for reason in told[2]["reasons"]] == ["too_many_pending"]
    other = site.run()
    before = counts()
    for key in ("one", "two", "two"):
        answer = robot.post(f"runs/{other.pk}/tool-calls", {"calls": calls[:1]}, Idempotency_Key=key)
        assert_problem(answer, 429, "too_many_pending")
        assert int(answer.headers["Retry-After"]) > 0
    after = counts()
    assert AuditEvent.objects.filter(action="attack.refused").count() == 1
    changed = {table: after[table] - before[table] for table in after if after[table] != before[table]}
    kept = {"audit_auditevent": 1, "audit_auditpayload": 1, "m1site_refusedattack": 1, "m1site_idempotentrequest": 2}
    assert changed == kept


def test_a_recent_second_factor_is_asked_of_everybody(site: Site, people: dict[str, Rest]) -> None:
    call = site.pending()
    ToolCall.objects.filter(pk=call.pk).update(sign_in_minutes=10)
    path = f"tool-calls/{call.pk}/approve"
    problem = assert_problem(people["ava"].post(path, decision(call)), 403, "step_up_required")
    assert "10 minutes" in problem["detail"]
    session = Rest()
    session.client.force_login(site.world.ava)
    now, user = time.time(), str(site.world.ava.pk)
    for records, status in [
        ([], 403), ([{"method": "password", "at": now}], 403), ([{"method": "mfa", "at": now - 601}], 403),
        ([{"method": "mfa", "at": now - 5}], 200),
    ]:  # fmt: skip
        stored = session.client.session
        stored.update({"account_authentication_methods": records, "account_authentication_methods_user": user})
        stored.save()
        assert not Decision.objects.exists()
        answer = session.post(path, decision(call))
        assert answer.status_code == status, (records, answer.content)
    keyed = Rest(site.world.sam)  # a key is a key, whatever session comes with it
    other = site.pending()
    ToolCall.objects.filter(pk=other.pk).update(sign_in_minutes=10)
    keyed.client = session.client
    assert_problem(keyed.post(f"tool-calls/{other.pk}/approve", decision(other)), 403, "step_up_required")


def test_an_agent_hears_a_different_word_for_every_end(site: Site, people: dict[str, Rest]) -> None:
    def denied(call: ToolCall) -> None:
        ToolCall.objects.filter(pk=call.pk).update(status="denied", note="No.", ended_at=clock.now())

    def expired(call: ToolCall) -> None:
        ToolCall.objects.filter(pk=call.pk).update(expires_at=clock.now())
        sweeps.expire_due()

    def superseded(call: ToolCall) -> None:
        steps.approve(call, site.world.ava)
        site.world.ava.groups.clear()
        steps.claim(call)
        site.world.ava.groups.set(groups_named("approver"))

    ends: dict[str, Callable[[ToolCall], object]] = {
        "rejected": lambda call: steps.reject(call, site.world.ava, "No."), "denied": denied, "expired": expired,
        "cancelled": lambda call: people["riley"].post(f"runs/{call.run_id}/cancel"), "pending": superseded,
        "approved": lambda call: steps.approve(call, site.world.ava),
    }  # fmt: skip
    words = {}
    for status, end in ends.items():
        call = site.pending()
        end(call)
        told = people["robot"].get(f"runs/{call.run_id}").json()["turns"][0]["toolCalls"][0]
        assert told["status"] == status
        words[status] = told["told"]
        assert told["isSuperseded"] == (status == "pending")
        assert told["round"] == (2 if status == "pending" else 1)
    assert len({text.partition("\n")[0] for text in words.values()}) == len(ends)
    assert "Superseded" in words["pending"] and "lost standing" in words["pending"]
    assert "Nobody rejected it" in words["expired"]


def test_lists_take_as_many_queries_for_one_row_as_for_many(site: Site, people: dict[str, Rest]) -> None:
    beth = person("beth")
    Delegation.objects.create(
        person=site.world.ava, delegate=beth, reason="x", starts_at=clock.now(), created_at=clock.now(),
        ends_at=clock.now() + timedelta(days=1),
    )  # fmt: skip
    rest = Rest(beth)
    paths = ["tool-calls", "tool-calls?waitingForMe=true", "tool-calls?needsReview=true", "delegations?state=all"]
    paths += ["halts?state=all"]

    def more() -> None:
        site.pending()
        broken(site, people)
        people["omar"].post("halts", {"reason": "x", "tool": "files.read"})

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert rest.get(path).json()["results"], path
        return len(found)

    more()
    rest.get("tool-calls")  # the key's first use is written down
    before = {path: queries(path) for path in paths}
    more()
    more()
    assert {path: queries(path) for path in paths} == before


def test_a_run_takes_as_many_queries_for_five_calls_as_for_one(site: Site) -> None:
    turn, rest = make_turn(), Rest(person("beth", "approver"))

    def queries() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as found:
            calls = rest.get(f"runs/{turn.run_id}").json()["turns"][0]["toolCalls"]
        assert all(call["arguments"] for call in calls), "an approver is asked about each, and may read it"
        return len(calls), len(found)

    make_tool_call(turn=turn, arguments={"path": "0.txt"})
    rest.get("tool-calls")  # the key's first use is written down
    one = queries()[1]
    for number in range(1, 5):
        make_tool_call(turn=turn, arguments={"path": f"{number}.txt"})
    assert queries() == (5, one)


def test_the_schema_tells_all_of_it(site: Site) -> None:
    told = site.riley.get("schema", Accept="application/vnd.oai.openapi+json").json()
    calls = "/api/m1/tool-calls/{request_id}"
    for path, methods in {
        f"{calls}/edit": {"post"}, f"{calls}/reopen": {"post"}, f"{calls}/break-glass": {"post"},
        f"{calls}/review": {"post"}, "/api/m1/delegations": {"get", "post"},
        "/api/m1/delegations/{delegation_id}": {"delete"},
    }.items():  # fmt: skip
        assert methods <= told["paths"][path].keys()
    shapes = {name: one.get("properties", {}).keys() for name, one in told["components"]["schemas"].items()}
    assert {"edits", "blocked", "escalatedAt", "remindAt", "whyNotEdit", "onBehalfOf", "told"} <= shapes["CallDetail"]
    assert {"kind", "onBehalfOf", "openSeconds", "needsReview", "reviewNote"} <= shapes["DecisionShape"]
    looked = {"shownMark", "openSeconds", "focusSeconds", "expanded"}
    assert {"arguments", "comment", "argumentsDigest", "round"} | looked == shapes["Edited"]
    assert looked - {"shownMark"} | {"shownDigest", "shownBytes"} <= shapes["DecisionShape"]
    assert "get" in told["paths"][f"{calls}/dossier"]
    parameters = {one["name"] for one in told["paths"]["/api/m1/tool-calls"]["get"]["parameters"]}
    assert {"waitingForMe", "needsReview"} <= parameters


def test_the_same_key_is_the_same_answer(site: Site, people: dict[str, Rest]) -> None:
    call, other = site.pending(), rejected(site)
    until = (clock.now() + timedelta(days=1)).isoformat()
    sent: list[tuple[str, str, dict[str, object] | None]] = [
        ("ava", f"tool-calls/{call.pk}/edit", edited(call)),
        ("ava", f"tool-calls/{other.pk}/reopen", {"reason": "x"}),
        ("ava", "delegations", {"delegate": "sam", "endsAt": until, "reason": "x"}),
        ("gus", f"tool-calls/{call.pk}/break-glass", None),
        ("audrey", f"tool-calls/{call.pk}/review", {"note": "x"}),
    ]
    for who, path, given in sent:
        call.refresh_from_db()
        body = given or decision(call, reason=REASON)
        first = people[who].post(path, body, Idempotency_Key=path[-20:])
        before = counts()
        again = people[who].post(path, body, Idempotency_Key=path[-20:])
        assert first.status_code in (200, 201) and again.content == first.content, first.content
        assert again.headers["Idempotency-Replayed"] == "true"
        assert counts() == before
        conflict = people[who].post(path, {**body, "openSeconds": 1}, Idempotency_Key=path[-20:])
        assert_problem(conflict, 409, "idempotency_conflict")
