"""Tool calls and decisions over REST."""

from uuid import uuid4

import pytest

from agents.models import Decision
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy.models import ApprovalToken, ToolVersion
from tests.m1site.conftest import Site, decision
from tests.m1site.rest import Rest, assert_problem


def test_an_approver_reads_what_will_run_and_approves_it(site: Site) -> None:
    call = site.pending()
    told = site.ava.get(f"tool-calls/{call.pk}").json()
    assert told["headline"] == call.headline
    assert told["arguments"] == {"path": "a.txt", "content": "new\n"}
    assert told["whyNot"] == ""
    assert told["reasons"] and told["requirements"] == [{"round": 1, "count": 1, "groups": ["approver"]}]
    seen = {"argumentsDigest": told["argumentsDigest"], "round": told["round"], "comment": "fine"}
    answer = site.ava.post(f"tool-calls/{call.pk}/approve", seen)
    assert answer.json()["status"] == "approved"
    assert Decision.objects.get().surface == "api"


def test_the_command_line_says_that_it_is_one(site: Site) -> None:
    call = site.pending()
    site.ava.post(f"tool-calls/{call.pk}/approve", decision(call), M1_Surface="cli")
    assert Decision.objects.get().surface == "cli"


def test_the_token_of_an_approval_is_in_no_answer(site: Site) -> None:
    call, auditor = site.pending(), User.objects.create_superuser("root")
    answers = [site.ava.post(f"tool-calls/{call.pk}/approve", decision(call)).content]
    root = Rest(auditor)
    paths = ["tokens", "audit/events", f"tool-calls/{call.pk}", f"runs/{call.run_id}"]
    answers += [root.get(path).content for path in paths]
    token = ApprovalToken.objects.get().token
    for part in [token, *token.split(".")]:
        assert all(part.encode() not in answer for answer in answers)


@pytest.mark.parametrize("change", [{"round": 2}, {"argumentsDigest": "0" * 64}])
def test_a_decision_on_what_was_not_shown_is_409(site: Site, change: dict[str, object]) -> None:
    call = site.pending()
    assert_problem(site.ava.post(f"tool-calls/{call.pk}/approve", decision(call, **change)), 409, "stale_decision")
    assert not Decision.objects.exists()


def test_nobody_approves_their_own_request_and_the_trail_says_who_tried(site: Site) -> None:
    call = site.pending()
    site.world.riley.groups.set(site.world.ava.groups.all())
    for _ in range(3):
        assert_problem(site.riley.post(f"tool-calls/{call.pk}/approve", decision(call)), 403, "not_eligible")
    assert not Decision.objects.exists()
    event = AuditEvent.objects.get(action="attack.refused")
    assert event.actor == f"user:{site.world.riley.pk}"


def test_a_service_account_never_decides(site: Site) -> None:
    call = site.pending()
    site.robot.groups.set(site.world.ava.groups.all())
    assert_problem(Rest(site.robot).post(f"tool-calls/{call.pk}/approve", decision(call)), 403, "not_eligible")


def test_a_rejection_needs_a_comment(site: Site) -> None:
    call = site.pending()
    problem = assert_problem(site.ava.post(f"tool-calls/{call.pk}/reject", decision(call)), 400)
    assert problem["errors"][0]["field"] == "comment"


def test_the_list_of_what_waits_for_me(site: Site) -> None:
    call = site.pending()
    ids = [row["requestId"] for row in site.ava.get("tool-calls?waitingForMe=true").json()["results"]]
    assert ids == [str(call.pk)]
    assert site.riley.get("tool-calls?waitingForMe=true").json()["results"] == []
    assert len(site.riley.get(f"tool-calls?run={call.run_id}&status=pending").json()["results"]) == 1


def test_bodies_are_for_those_who_may_read_them(site: Site) -> None:
    call = site.pending()
    told = site.riley.get(f"tool-calls/{call.pk}").json()
    assert told["arguments"] is None
    assert told["headline"] == call.headline


def test_sensitive_arguments_are_masked_for_everyone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    call = site.pending()
    monkeypatch.setattr(ToolVersion, "declared", {"sensitive_arguments": ["content"]})
    told = site.ava.get(f"tool-calls/{call.pk}")
    assert told.json()["arguments"] == {"path": "a.txt", "content": {"masked": True, "bytes": 7}}
    assert b"new" not in told.content


def test_a_stranger_meets_the_same_answer_for_what_exists_and_what_does_not(site: Site) -> None:
    call, stranger = site.pending(), Rest(site.stranger)
    for path in ("", "/approve", "/reject", "/edit", "/break-glass", "/review", "/reopen", "/cancel", "/settle"):
        method = "POST" if path else "GET"
        hidden = stranger.raw(method, f"tool-calls/{call.pk}{path}", b"{}")
        assert_problem(hidden, 404, "not_found")
        assert hidden.content == stranger.raw(method, f"tool-calls/{uuid4()}{path}", b"{}").content


def test_only_a_lost_call_is_settled(site: Site) -> None:
    call = site.pending()
    answer = site.ava.post(f"tool-calls/{call.pk}/settle", {"outcome": "succeeded", "note": "I looked."})
    assert_problem(answer, 409, "wrong_state")
