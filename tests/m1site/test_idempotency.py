"""The same POST twice: one effect, one answer."""

import threading
from typing import Any

import pytest
from django.db import connection

from agents.models import AgentRun
from m1site.models import IdempotentRequest
from policy.models import ApprovalToken
from tests.m1site.conftest import Site
from tests.m1site.rest import Rest, assert_problem

BODY = {"goal": "Tidy up", "agent": "demo"}


def test_the_same_request_gets_the_same_answer(site: Site) -> None:
    riley = site.riley
    first = riley.post("runs", BODY, Idempotency_Key="one")
    second = riley.post("runs", BODY, Idempotency_Key="one")
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert AgentRun.objects.count() == 1


def test_another_body_under_the_key_is_a_conflict(site: Site) -> None:
    riley = site.riley
    riley.post("runs", BODY, Idempotency_Key="one")
    assert_problem(riley.post("runs", {**BODY, "goal": "Else"}, Idempotency_Key="one"), 409, "idempotency_conflict")
    assert_problem(riley.post("preauthorizations", BODY, Idempotency_Key="one"), 409, "idempotency_conflict")
    assert AgentRun.objects.count() == 1


def test_keys_belong_to_their_account(site: Site) -> None:
    first = site.riley.post("runs", BODY, Idempotency_Key="one")
    second = site.ava.post("runs", BODY, Idempotency_Key="one")
    assert first.json()["id"] != second.json()["id"]


def test_a_crash_between_commit_and_answer_is_safe(site: Site) -> None:
    riley = site.riley
    first = riley.post("runs", BODY, Idempotency_Key="one").json()
    IdempotentRequest.objects.update(status=None, response="")
    assert riley.post("runs", BODY, Idempotency_Key="one").json()["id"] == first["id"]
    assert AgentRun.objects.count() == 1


def test_a_pre_authorisation_and_a_turn_are_made_once_too(site: Site) -> None:
    body = {"agents": ["demo"], "requesters": ["riley"], "tools": ["files.read"], "maxUses": 3, "expiresInMinutes": 5}
    run = site.run()
    turn = {"calls": [{"tool": "files.read", "arguments": {"path": "a.txt"}, "reason": "look"}]}
    ava, robot = site.ava, Rest(site.robot)
    for _ in range(2):
        assert ava.post("preauthorizations", body, Idempotency_Key="one").status_code == 201
        assert robot.post(f"runs/{run.pk}/tool-calls", turn, Idempotency_Key="one").status_code == 201
        IdempotentRequest.objects.update(status=None)
    assert ApprovalToken.objects.count() == 1
    assert run.tool_calls.count() == 1


def test_a_refusal_is_repeated_and_a_failure_is_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    riley = site.riley
    refused = riley.post("runs", {"goal": "x"}, Idempotency_Key="bad")
    again = riley.post("runs", {"goal": "x"}, Idempotency_Key="bad")
    assert_problem(again, 400, "invalid_field")
    assert again.content == refused.content

    def fails(*args: object, **kwargs: object) -> None:
        raise KeyError("broken")

    with monkeypatch.context() as broken:
        broken.setattr("agents.runs.create", fails)
        assert riley.post("runs", BODY, Idempotency_Key="two").status_code == 500
    assert riley.post("runs", BODY, Idempotency_Key="two").status_code == 201


@pytest.mark.parametrize("key", ["", "a" * 201, "a\tb", "schlüssel", "a\x7fb"])
def test_a_key_that_is_no_key_is_refused(site: Site, key: str) -> None:
    assert_problem(site.riley.post("runs", BODY, Idempotency_Key=key), 400, "invalid_idempotency_key")
    assert not AgentRun.objects.exists()


def test_without_an_account_nothing_is_kept(site: Site) -> None:
    assert_problem(Rest().post("runs", BODY, Idempotency_Key="one"), 401)
    assert not IdempotentRequest.objects.exists()


def test_ten_at_the_same_moment_make_one_run(transactional_db: None, site: Site) -> None:
    riley, barrier, found = site.riley, threading.Barrier(10), []

    def send() -> None:
        client: Any = Rest()
        client.headers = riley.headers
        barrier.wait()
        answer = client.post("runs", BODY, Idempotency_Key="one")
        found.append((answer.status_code, answer.json().get("id")))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AgentRun.objects.count() == 1
    assert set(found) == {(201, str(AgentRun.objects.get().pk))}
