"""Runs over REST."""

from uuid import uuid4

import pytest

from agents.models import AgentRun, ToolCall
from audit.models import AuditEvent
from tests.m1site.conftest import Site
from tests.m1site.rest import Rest, assert_problem


def test_a_run_is_created_and_told_whole(site: Site) -> None:
    answer = site.riley.post("runs", {"goal": "Tidy up", "agent": "demo", "budgetUsd": "1.50"})
    assert answer.status_code == 201
    told = answer.json()
    run = AgentRun.objects.get()
    assert told["id"] == str(run.pk)
    assert (told["agent"], told["requester"], told["status"]) == ("demo", "riley", "planning")
    assert told["budgetUsd"] == "1.50"
    assert told["turns"] == []
    assert AuditEvent.objects.filter(action="run.created", subject=f"run:{run.pk}").count() == 1


def test_lists_hold_what_one_may_see_newest_first(site: Site) -> None:
    runs = [site.run() for _ in range(3)]
    assert [run["id"] for run in site.riley.get("runs").json()["results"]] == [str(run.pk) for run in reversed(runs)]
    assert Rest(site.stranger).get("runs").json()["results"] == []


def test_pages_follow_each_other_without_gap_or_repeat(site: Site) -> None:
    made = [str(site.run().pk) for _ in range(5)]
    riley = site.riley
    seen, address = [], "/api/m1/runs?limit=2"
    while address:
        page = riley.client.get(address, headers=riley.headers).json()
        seen += [run["id"] for run in page["results"]]
        address = page["next"]
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "query",
    "limit=0 limit=x limit=201 cursor=%00 cursor=cD14 status=odd odd=1 status=failed&status=failed agent=%00".split(),
)
def test_a_query_that_means_nothing_is_refused(site: Site, query: str) -> None:
    assert_problem(site.riley.get(f"runs?{query}"), 400)


def test_a_run_is_cancelled_by_its_requester(site: Site) -> None:
    call = site.pending()
    answer = site.riley.post(f"runs/{call.run_id}/cancel", {"reason": "not needed"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "cancelled"
    assert site.riley.post(f"runs/{call.run_id}/cancel").status_code == 200, "a repeat"
    assert_problem(site.ava.post(f"runs/{call.run_id}/cancel"), 409, "wrong_state")


def test_what_one_may_not_see_is_answered_as_what_is_not_there(site: Site) -> None:
    call, stranger = site.pending(), Rest(site.stranger)
    for method, path in [
        ("GET", "runs/{}"), ("POST", "runs/{}/cancel"), ("POST", "runs/{}/tool-calls"), ("POST", "runs/{}/finish"),
    ]:  # fmt: skip
        hidden = stranger.raw(method, path.format(call.run_id), b"{}")
        absent = stranger.raw(method, path.format(uuid4()), b"{}")
        odd = stranger.raw(method, path.format("no-uuid"), b"{}")
        assert_problem(hidden, 404, "not_found")
        assert hidden.content == absent.content == odd.content


def test_an_agent_of_ones_own_proposes_and_reads_what_came_of_it(site: Site) -> None:
    run, robot = site.run(), Rest(site.robot, scopes=("read", "propose"))
    calls = [
        {"tool": "files.write", "arguments": {"path": "a.txt", "content": "x"}, "reason": "to write"},
        {"tool": "no.such", "arguments": {}, "reason": "to try"},
    ]
    answer = robot.post(f"runs/{run.pk}/tool-calls", {"text": "Both, please.", "calls": calls})
    assert answer.status_code == 201
    told = answer.json()["turns"][0]
    assert [call["status"] for call in told["toolCalls"]] == ["pending", "denied"]
    assert told["toolCalls"][0]["arguments"] == {"path": "a.txt", "content": "x"}
    pending = ToolCall.objects.get(status="pending")
    seen = {"argumentsDigest": pending.arguments_digest, "round": 1, "comment": "Not that file."}
    assert site.ava.post(f"tool-calls/{pending.pk}/reject", seen).status_code == 200
    outcome = robot.get(f"runs/{run.pk}").json()
    assert (outcome["status"], outcome["waitingFor"]) == ("waiting", "external")
    assert outcome["turns"][0]["toolCalls"][0]["note"] == "Not that file."
    assert robot.post(f"runs/{run.pk}/finish", {"answer": "Done."}).json()["answer"] == "Done."


def test_only_the_agents_account_speaks_for_it(site: Site) -> None:
    run = site.run()
    body = {"calls": [{"tool": "files.list", "arguments": {"path": "."}, "reason": "look"}]}
    assert_problem(site.riley.post(f"runs/{run.pk}/tool-calls", body), 403, "not_eligible")
    assert_problem(site.riley.post(f"runs/{run.pk}/finish", {"answer": ""}), 403, "not_eligible")
    assert not ToolCall.objects.exists()
