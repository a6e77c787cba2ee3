"""Errors as programs and people see them."""

import json
import os
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.test import Client, RequestFactory, override_settings

from agents.errors import StaleDecisionError
from audit.errors import MalformedJSONError
from audit.models import AuditEvent
from m1site import attacks, faults, health, problems
from m1site.accounts.models import User
from m1site.models import RefusedAttack
from policy.errors import FieldError
from tests.m1site.conftest import Site
from tests.m1site.rest import Rest, assert_problem


def away(*args: object, **kwargs: object) -> Any:
    raise OperationalError("connection to server at 10.0.0.7 failed")


def test_an_unknown_address_is_a_problem(db: None) -> None:
    assert_problem(Rest().get("no/such/thing"), 404, "not_found")
    assert_problem(Client().get("/api/else"), 404, "not_found")


def test_without_a_key_it_says_how_to_come_in(db: None) -> None:
    answer = Rest().get("runs")
    assert_problem(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_method_that_is_not_there_names_those_that_are(site: Site) -> None:
    answer = site.riley.raw("PUT", "runs", b"{}")
    assert_problem(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]
    assert_problem(site.riley.raw("DELETE", "tokens", b""), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [
        ("text/plain", {}),
        ("application/x-www-form-urlencoded", {}),
        ("", {}),
        ("application/json; charset=latin-1", {}),
        ("application/json", {"Content-Encoding": "gzip"}),
    ],
)
def test_another_form_of_body_is_refused(site: Site, content_type: str, headers: dict[str, str]) -> None:
    body = json.dumps({"goal": "x", "agent": "demo"}).encode()
    assert_problem(site.riley.raw("POST", "runs", body, content_type, **headers), 415, "unsupported_media_type")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    body = json.dumps({"goal": "x" * 1000, "agent": "demo"}).encode()
    assert_problem(site.riley.raw("POST", "runs", body), 413, "too_large")
    assert_problem(site.riley.raw("POST", "runs", body, Idempotency_Key="k"), 413, "too_large")


def test_a_body_without_length_is_refused_rather_than_dropped(site: Site) -> None:
    request = RequestFactory().post("/api/m1/runs", HTTP_TRANSFER_ENCODING="chunked")
    request.META.pop("CONTENT_LENGTH", None)
    answer = problems.ProblemMiddleware(lambda _: pytest.fail("reached the view"))(request)
    assert_problem(answer, 411, "length_required")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_503_and_says_nothing_of_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(*args: object) -> None:
        raise error("connection to server at 10.0.0.7 failed")

    riley = site.riley
    monkeypatch.setattr("agents.visibility.runs_visible_to", fails)
    answer = riley.get("runs")
    assert_problem(answer, 503, "database_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert b"10.0.0.7" not in answer.content


@pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
def test_a_database_that_takes_no_changes_is_503_and_health_says_so(site: Site) -> None:
    riley, body = site.riley, {"goal": "Tidy up", "agent": "demo"}
    assert (riley.get("runs").status_code, health.database()) == (200, {"status": "ok"})  # and the key's use is noted
    before = transaction.savepoint()
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    assert_problem(riley.post("runs", body), 503, "database_unavailable")
    assert_problem(riley.post("runs", body, Idempotency_Key="k"), 503, "database_unavailable")
    assert riley.get("runs").status_code == 200
    assert health.database()["status"] == "failed"
    transaction.savepoint_rollback(before)


def test_a_database_that_is_away_before_the_view_is_503_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    riley = site.riley
    monkeypatch.setattr("m1site.accounts.api_keys.find", away)
    assert_problem(riley.get("runs"), 503, "database_unavailable")
    monkeypatch.undo()
    monkeypatch.setattr("m1site.idempotency._row", away)
    assert_problem(riley.post("runs", Idempotency_Key="k"), 503, "database_unavailable")


def test_a_page_tells_that_the_database_is_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(site.world.riley)
    monkeypatch.setattr("agents.visibility.runs_visible_to", away)
    answer = client.get("/runs/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"10.0.0.7" not in answer.content


def test_sessions_that_cannot_be_read_are_503_wherever_that_shows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(site.world.riley)
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", away)
    assert client.get("/runs/").status_code == 503
    assert_problem(client.get("/api/m1/runs"), 503, "database_unavailable")


def test_a_fault_of_m1s_own_is_500_without_a_trace(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: object) -> None:
        raise KeyError("secret detail")

    riley = site.riley
    monkeypatch.setattr("agents.visibility.runs_visible_to", breaks)
    answer = riley.get("runs")
    assert_problem(answer, 500, "internal_error")
    assert b"secret" not in answer.content


def test_a_host_that_is_not_ours_is_a_problem_too(site: Site) -> None:
    assert_problem(site.riley.get("runs", Host="evil.example"), 400, "bad_request")


@pytest.mark.parametrize(
    ("error", "status", "code", "errors"),
    [
        (StaleDecisionError(why="someone was faster."), 409, "stale_decision", ()),
        (MalformedJSONError(reason="NaN"), 400, "malformed_json", ()),
        (FieldError(field="max_uses", path=(), problem="is odd"), 400, "invalid_field", (("maxUses", "is odd"),)),
    ],
)  # fmt: skip
def test_errors_of_ours_keep_their_code(error: Exception, status: int, code: str, errors: object) -> None:
    fault = faults.of(error)
    assert fault is not None
    assert (fault.status, fault.code, fault.errors) == (status, code, errors)


def test_refused_attacks_are_counted_together(site: Site) -> None:
    actor = f"user:{site.world.riley.pk}"
    for _ in range(5):
        attacks.record(actor=actor, code="csrf_failed", path="/x/\r\n?", address="1.2.3.4")
    assert AuditEvent.objects.filter(action="attack.refused").count() == 1
    RefusedAttack.objects.update(told_at="2020-01-01T00:00:00Z")
    attacks.record(actor=actor, code="csrf_failed", path="/x", address="1.2.3.4")
    events = AuditEvent.objects.filter(action="attack.refused").order_by("id")
    assert [json.loads(bytes(event.payload.body))["more"] for event in events] == [0, 4]
    assert events[0].subject == "path:/x/___"


def test_a_forged_form_is_refused_and_recorded(site: Site) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(site.world.riley)
    answer = client.post("/api/m1/runs", {"goal": "x", "agent": "demo"}, content_type="application/json")
    assert_problem(answer, 403, "csrf_failed")
    assert AuditEvent.objects.filter(action="attack.refused", actor=f"user:{site.world.riley.pk}").count() == 1


def test_a_session_with_its_token_may_post(site: Site) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(site.world.riley)
    client.get("/runs/new/")
    token = client.cookies["csrftoken"].value
    body = json.dumps({"goal": "x", "agent": "demo"})
    answer = client.post("/api/m1/runs", body, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 201


def test_an_account_that_was_switched_off_is_nobody(site: Site) -> None:
    riley = site.riley
    User.objects.filter(username="riley").update(is_active=False)
    assert_problem(riley.get("runs"), 401, "invalid_api_key")
