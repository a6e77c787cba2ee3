"""Tokens, halts, policy and trail over REST; the schema of it all."""

import re

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from agents.models import Halt
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy.models import ApprovalToken, PolicyCheck
from tests.m1site.conftest import Site
from tests.m1site.rest import Rest, assert_problem, counts

AHEAD = {"agents": ["demo"], "requesters": ["riley"], "tools": ["files.read"], "maxUses": 2, "expiresInMinutes": 5}


def test_a_yes_ahead_of_time_is_given_listed_and_revoked(site: Site) -> None:
    given = site.ava.post("preauthorizations", AHEAD)
    assert given.status_code == 201
    token = ApprovalToken.objects.get()
    assert given.json()["scope"]["tools"].keys() == {"files.read"}
    assert token.token not in given.content.decode()
    ava = site.ava
    assert [row["jti"] for row in ava.get("preauthorizations").json()["results"]] == [str(token.jti)]
    assert [row["jti"] for row in ava.get("tokens?kind=execution").json()["results"]] == []
    assert ava.post(f"tokens/{token.jti}/revoke", {"reason": "over"}).json()["revokedAt"]
    assert_problem(ava.post(f"tokens/{token.jti}/revoke", {"reason": "over"}), 409, "token_ended")


def test_tokens_of_others_are_not_there(site: Site) -> None:
    token = site.world.preauthorize()
    assert site.riley.get("tokens").json()["results"] == []
    hidden = site.riley.post(f"tokens/{token.jti}/revoke", {"reason": "x"})
    absent = site.riley.post("tokens/00000000-0000-0000-0000-000000000001/revoke", {"reason": "x"})
    assert_problem(hidden, 404, "not_found")
    assert hidden.content == absent.content


def test_who_may_not_say_yes_ahead_does_not(site: Site) -> None:
    assert_problem(site.riley.post("preauthorizations", AHEAD), 403, "permission_denied")
    site.robot.user_permissions.set(site.world.ava.user_permissions.all())
    assert_problem(Rest(site.robot).post("preauthorizations", AHEAD), 403, "permission_denied")
    assert not ApprovalToken.objects.exists()


def test_a_run_names_a_pre_authorisation_that_names_its_requester(site: Site) -> None:
    token = site.world.preauthorize()
    body = {"goal": "x", "agent": "demo", "preauthorization": str(token.jti)}
    assert site.riley.post("runs", body).json()["preauthorization"] == str(token.jti)
    assert_problem(site.ava.post("runs", body), 404, "not_found")


def test_operators_halt_and_lift_and_nobody_else(site: Site) -> None:
    assert_problem(site.riley.post("halts", {"reason": "x"}), 403, "not_eligible")
    site.world.sam.groups.add(Group.objects.get_or_create(name="operator")[0])
    sam = Rest(site.world.sam)
    halt = sam.post("halts", {"reason": "Something is odd.", "tool": "files.write"}).json()
    assert (halt["tool"], halt["agent"], halt["person"]) == ("files.write", None, "sam")
    assert [row["id"] for row in site.riley.get("halts").json()["results"]] == [halt["id"]]
    assert_problem(site.riley.raw("DELETE", f"halts/{halt['id']}", b""), 403, "not_eligible")
    assert sam.raw("DELETE", f"halts/{halt['id']}", b"").status_code == 204
    assert sam.raw("DELETE", f"halts/{halt['id']}", b"").status_code == 204  # said once more
    site.world.ava.groups.add(Group.objects.get(name="operator"))
    assert_problem(Rest(site.world.ava).raw("DELETE", f"halts/{halt['id']}", b""), 404, "not_found")
    assert not Halt.objects.filter(lifted_at=None).exists()


def test_the_policy_in_force_and_its_versions(site: Site) -> None:
    active = site.riley.get("policy/active").json()
    assert (active["number"], active["author"], active["publisher"]) == (1, "author", "ava")
    assert "delete-files" in active["document"]
    assert [row["number"] for row in site.riley.get("policy/versions").json()["results"]] == [1]


@pytest.mark.parametrize(
    ("tool", "arguments", "outcome"),
    [
        ("files.read", {"path": "a.txt"}, "needs_approval"),
        ("files.delete", {"path": "archive/ledger.csv"}, "denied"),
        ("files.read", {"path": 7}, "denied"),
        ("no.such", {}, "denied"),
    ],
)
def test_a_dry_run_says_what_would_be_and_records_nothing(
    site: Site, tool: str, arguments: dict[str, object], outcome: str
) -> None:
    riley = site.riley
    before = counts()
    told = riley.post("policy/check", {"agent": "demo", "tool": tool, "arguments": arguments}).json()
    assert told["outcome"] == outcome
    assert told["reasons"]
    assert not PolicyCheck.objects.exists()
    assert counts() == before


def test_the_trail_is_for_those_who_oversee(site: Site) -> None:
    site.pending()
    assert_problem(site.riley.get("audit/events"), 403, "permission_denied")
    site.world.sam.groups.add(Group.objects.get_or_create(name="auditor")[0])
    sam = Rest(site.world.sam)
    found = sam.get("audit/events?action=tool_call.pending").json()["results"]
    event = AuditEvent.objects.get(action="tool_call.pending")
    assert [row["id"] for row in found] == [str(event.pk)]
    assert found[0]["payload"]["tool"] == "files.write"
    assert sam.get("audit/events?until=2020-01-01T00:00:00Z").json()["results"] == []
    assert sam.get(f"audit/events?subject={event.subject}&since=2020-01-01T00:00:00Z").json()["results"]


def test_the_schema_names_every_route_in_camel_case(site: Site) -> None:
    answer = site.riley.get("schema", Accept="application/vnd.oai.openapi+json")
    told = answer.json()
    assert told["openapi"].startswith("3.1")
    assert {"/api/m1/runs", "/api/m1/tool-calls/{request_id}/approve", "/api/m1/audit/events"} <= told["paths"].keys()
    names = {name for one in told["components"]["schemas"].values() for name in one.get("properties", {})}
    assert {"argumentsDigest", "maxUses", "toolCalls"} <= names
    assert {name for name in names if "_" in name} == set()


def test_the_docs_load_nothing_from_elsewhere_and_nothing_inline(site: Site) -> None:
    client = Client()
    client.force_login(site.world.riley)
    page = client.get("/api/m1/docs")
    assert page.status_code == 200
    html = page.content.decode()
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r'(src|href)="(https?:)?//', html)
    assert not re.search(r"<script(?![^>]*src=)[^>]*>\s*\S", html)
    assert "<style" not in html and "style=" not in html


def test_a_superuser_is_no_approver_of_their_own_request(site: Site) -> None:
    User.objects.filter(pk=site.world.riley.pk).update(is_superuser=True)
    call = site.pending()
    body = {"argumentsDigest": call.arguments_digest, "round": call.round}
    assert_problem(site.riley.post(f"tool-calls/{call.pk}/approve", body), 403, "not_eligible")
