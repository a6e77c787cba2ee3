"""Who may do what to a tool call over REST, to exactly what, and what each of them is told."""

from datetime import timedelta

import pytest

from agents import proposals
from agents.models import Block, Decision, DecisionReview, ToolCallRevision
from agents.proposals import ExternalCall
from audit import canonical, clock
from policy.models import ToolVersion
from tests.factories import groups_named
from tests.m1site.authority import REASON, broken, edited, everybody, rejected
from tests.m1site.conftest import Site, decision
from tests.m1site.rest import Rest, assert_problem, counts
from tests.world import person

ALWAYS = {"nobody": (401, "not_authenticated"), "stranger": (404, "not_found"), "reader": (403, "scope_missing")}
NO = (403, "not_eligible")
OTHERS = {"riley": NO, "owner": NO, "robot": NO, "root": NO, "omar": NO}
WHO: dict[str, tuple[dict[str, tuple[int, str]], str]] = {  # who is refused, and how; who may
    "edit": ({**OTHERS, "gus": NO, "audrey": NO, "adam": NO}, "ava"),
    "break-glass": ({**OTHERS, "ava": NO, "audrey": NO, "adam": NO}, "gus"),
    "reopen": ({**OTHERS, "gus": NO, "audrey": NO, "adam": NO}, "sam"),
    "review": ({**OTHERS, "gus": NO}, "audrey"),
}


@pytest.fixture
def people(site: Site) -> dict[str, Rest]:
    return everybody(site)


@pytest.mark.parametrize("what", WHO)
def test_who_may(what: str, site: Site, people: dict[str, Rest]) -> None:
    call = {"reopen": rejected, "review": lambda site: broken(site, people)}.get(what, Site.pending)(site)
    body = {
        "edit": edited(call), "break-glass": decision(call, reason=REASON), "reopen": {"reason": "Changed my mind."},
        "review": {"note": "It was down indeed."},
    }[what]  # fmt: skip
    site.world.riley.groups.set(groups_named("approver", "break-glass"))
    before = [Decision.objects.count(), ToolCallRevision.objects.count(), DecisionReview.objects.count()]
    refused, allowed = WHO[what]
    for who, (status, code) in (ALWAYS | refused).items():
        answer = people[who].post(f"tool-calls/{call.pk}/{what}", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (who, answer.json())
    assert [Decision.objects.count(), ToolCallRevision.objects.count(), DecisionReview.objects.count()] == before
    assert not Block.objects.exclude(reopened_at=None).exists()
    answer = people[allowed].post(f"tool-calls/{call.pk}/{what}", body)
    assert answer.status_code == 200, answer.content


def test_nobody_sends_along_who_they_are(site: Site) -> None:
    call, ava = site.pending(), site.ava
    sent: dict[str, dict[str, object]] = {
        "edit": edited(call), "break-glass": decision(call, reason=REASON), "reopen": {"reason": "x"},
        "review": {"note": "x"},
    }  # fmt: skip
    more = {"person": "ava", "kind": "vote", "surface": "web", "onBehalfOf": "sam", "signIn": 1}
    before = counts()
    for what, given in sent.items():
        for name, value in more.items():
            problem = assert_problem(ava.post(f"tool-calls/{call.pk}/{what}", {**given, name: value}), 400)
            assert [one["field"] for one in problem["errors"]] == [name]
    assert counts() == before


def test_an_edit_asks_again_and_somebody_else_decides(site: Site, people: dict[str, Rest]) -> None:
    call = site.pending("files.delete", path="a.txt")
    people["sam"].post(f"tool-calls/{call.pk}/approve", decision(call))
    body = decision(call, arguments={"path": "b.txt"}, comment="The other one.", openSeconds=12.5)
    told = people["ava"].post(f"tool-calls/{call.pk}/edit", body).json()
    assert (told["status"], told["round"], told["arguments"]) == ("pending", 2, {"path": "b.txt"})
    change = {"name": "path", "before": '"a.txt"', "after": '"b.txt"'}
    assert [(one["author"], one["number"], one["changes"]) for one in told["edits"]] == [("ava", 2, [change])]
    assert "You wrote these arguments" in told["whyNot"]
    call.refresh_from_db()
    assert_problem(people["ava"].post(f"tool-calls/{call.pk}/approve", decision(call)), *NO)
    assert people["sam"].post(f"tool-calls/{call.pk}/approve", decision(call)).json()["status"] == "pending"
    agent = people["robot"].get(f"runs/{call.run_id}").json()["turns"][0]["toolCalls"][0]
    assert 'path was "a.txt" and is "b.txt"' in agent["told"]
    seen_by_riley = people["riley"].get(f"tool-calls/{call.pk}").json()
    assert seen_by_riley["edits"][0]["changes"] is None
    assert "b.txt" not in seen_by_riley["told"] and "A person changed" in seen_by_riley["told"]


def test_an_edit_that_is_none_changes_nothing(site: Site) -> None:
    call, ava = site.pending(), site.ava
    before, same = counts(), {"path": "a.txt", "content": "new\n"}
    wrong = [same, {**same, "content": 7}, {**same, "odd": 1}, {}]
    sent = [("arguments", {"arguments": one}) for one in wrong] + [("comment", {"comment": " "})]
    for field, change in sent:
        problem = assert_problem(ava.post(f"tool-calls/{call.pk}/edit", edited(call) | change), 400, "invalid_field")
        assert problem["errors"][0]["field"] == field
    assert counts() == before


def test_policy_denies_an_edit(site: Site) -> None:
    call, ava = site.pending("files.delete", path="a.txt"), site.ava
    body, before = decision(call, arguments={"path": "archive/ledger.csv"}, comment="x"), counts()
    problem = assert_problem(ava.post(f"tool-calls/{call.pk}/edit", body), 409, "policy_denies")
    assert "seven years" in problem["detail"]
    assert counts() == before


def test_what_is_sensitive_is_edited_without_being_shown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    call, ava = site.pending(path="a.txt", content="secret one"), site.ava
    monkeypatch.setattr(ToolVersion, "declared", {"sensitive_arguments": ["content"]})
    shown = ava.get(f"tool-calls/{call.pk}").json()["arguments"]
    sent = decision(call, arguments=shown | {"path": "b.txt"}, comment="x")
    assert ava.post(f"tool-calls/{call.pk}/edit", sent).status_code == 200
    call.refresh_from_db()
    last = call.revisions.get(number=2)
    assert canonical.parse(bytes(last.arguments)) == {"path": "b.txt", "content": "secret one"}
    again = decision(call, arguments={"path": "b.txt", "content": "secret two"}, comment="x")
    told = Rest(site.world.sam).post(f"tool-calls/{call.pk}/edit", again)
    assert told.status_code == 200 and b"secret" not in told.content
    assert [one["name"] for one in told.json()["edits"][1]["changes"]] == ["content"]
    assert "hidden" in told.json()["told"]


def test_broken_glass_is_flagged_until_a_second_person_has_looked(site: Site, people: dict[str, Rest]) -> None:
    call = site.pending("files.delete", path="a.txt")
    path, body = f"tool-calls/{call.pk}", decision(call, reason=REASON, openSeconds=3)
    told = people["gus"].post(f"{path}/break-glass", body).json()
    assert (told["status"], told["needsReview"]) == ("approved", True)
    one = told["decisions"][0]
    assert (one["kind"], one["comment"], one["openSeconds"]) == ("break_glass", REASON, 3.0)
    for who in ("ava", "audrey"):
        listed = people[who].get("tool-calls?needsReview=true").json()["results"]
        assert [(row["requestId"], row["needsReview"]) for row in listed] == [(str(call.pk), True)]
    told = people["ava"].post(f"{path}/review", {"note": "It was down."}).json()
    assert (told["needsReview"], told["decisions"][0]["reviewNote"]) == (False, "It was down.")
    assert told["decisions"][0]["reviewedBy"] == "ava"
    assert people["ava"].get("tool-calls?needsReview=true").json()["results"] == []
    assert_problem(people["audrey"].post(f"{path}/review", {"note": "Me too."}), 409, "wrong_state")
    assert_problem(people["ava"].post(f"tool-calls/{site.pending().pk}/review", {"note": "x"}), 409, "wrong_state")


def test_how_long_somebody_looked_is_for_them_and_for_who_oversees(site: Site, people: dict[str, Rest]) -> None:
    call = site.pending("files.delete", path="a.txt")
    assert people["ava"].post(f"tool-calls/{call.pk}/approve", decision(call, openSeconds=2)).status_code == 200
    shown = {"ava": 2.0, "audrey": 2.0, "sam": None, "riley": None, "adam": None, "omar": None}
    for who, seconds in shown.items():
        found = people[who].get(f"tool-calls/{call.pk}").json()["decisions"][0]
        assert found["openSeconds"] == seconds, who


def test_what_was_rejected_stays_blocked_until_a_person_reopens_it(site: Site, people: dict[str, Rest]) -> None:
    call = rejected(site)
    asked = ExternalCall("files.write", canonical.encode({"path": "a.txt", "content": "new\n"}), "Please.")
    again = [proposals.propose_external(call.run_id, calls=[asked], text="").tool_calls.get() for _ in range(2)][1]
    told = people["robot"].get(f"tool-calls/{again.pk}").json()
    assert (told["status"], told["reasons"][0]["code"]) == ("denied", "rejected_before")
    assert "Not that file." in told["told"]
    facts = {"isBlocked": True, "repeats": 2, "rejectedCall": str(call.pk), "reopenedBy": None, "reopenedAt": None}
    assert told["blocked"] == people["ava"].get(f"tool-calls/{call.pk}").json()["blocked"] == facts
    told = people["ava"].post(f"tool-calls/{call.pk}/reopen", {"reason": "It was the right file."}).json()
    assert (told["blocked"]["isBlocked"], told["blocked"]["reopenedBy"]) == (False, "ava")
    assert proposals.propose_external(call.run_id, calls=[asked], text="").tool_calls.get().status == "pending"
    assert_problem(people["ava"].post(f"tool-calls/{call.pk}/reopen", {"reason": "Again."}), 409, "wrong_state")


def test_a_stand_in_decides_in_the_place_of_who_is_away(site: Site, people: dict[str, Rest]) -> None:
    beth = person("beth")
    body = {"delegate": "beth", "endsAt": "2999-01-01T00:00:00Z", "reason": "On holiday."}
    assert_problem(people["ava"].post("delegations", body), 400, "invalid_field")
    until = clock.now() + timedelta(days=5)
    for nowhere in (until.replace(tzinfo=None).isoformat(), until.date().isoformat()):  # no offset: nobody knows when
        assert_problem(people["ava"].post("delegations", body | {"endsAt": nowhere}), 400, "invalid_field")
    body["endsAt"] = until.isoformat()
    given = people["ava"].post("delegations", body)
    assert given.status_code == 201 and given.json()["isInForce"]
    assert_problem(people["ava"].post("delegations", body), 400, "invalid_field")
    assert_problem(people["sam"].post("delegations", body | {"delegate": "robot"}), 400, "invalid_field")
    assert_problem(people["robot"].post("delegations", body), *NO)
    carl = Rest(person("carl", "approver"))
    other = carl.post("delegations", body | {"delegate": "sam"}).json()["id"]  # sam has a place of his own
    call, rest = site.pending(), Rest(beth)
    assert [row["onBehalfOf"] for row in rest.get("tool-calls?waitingForMe=true").json()["results"]] == ["ava"]
    assert [row["onBehalfOf"] for row in people["sam"].get("tool-calls?waitingForMe=true").json()["results"]] == [None]
    assert rest.get(f"tool-calls/{call.pk}").json()["onBehalfOf"] == "ava"
    told = rest.post(f"tool-calls/{call.pk}/approve", decision(call)).json()
    assert (told["status"], told["decisions"][0]["onBehalfOf"], told["decisions"][0]["person"]) == (
        "approved", "ava", "beth",
    )  # fmt: skip
    key = given.json()["id"]
    for who, seen in {"ava": [key], "sam": [other], "riley": [], "audrey": [other, key]}.items():
        assert [row["id"] for row in people[who].get("delegations").json()["results"]] == seen
    for who in ("sam", "riley", "stranger", "audrey"):
        assert_problem(people[who].raw("DELETE", f"delegations/{key}", b""), 404, "not_found")
    assert rest.raw("DELETE", f"delegations/{key}", b"").status_code == 204
    assert people["ava"].get("delegations").json()["results"] == []
    ended = people["ava"].get("delegations?state=all").json()["results"]
    assert [(row["endedBy"], row["isInForce"]) for row in ended] == [("beth", False)]


def test_who_may_halt_and_what_was_lifted_stays_listed(site: Site, people: dict[str, Rest]) -> None:
    for who in ("ava", "riley", "gus", "audrey", "robot", "stranger"):
        assert_problem(people[who].post("halts", {"reason": "x"}), *NO)
    keys = [people[who].post("halts", {"reason": "x"}).json()["id"] for who in ("omar", "adam")]
    assert_problem(people["ava"].raw("DELETE", f"halts/{keys[0]}", b""), *NO)
    assert people["adam"].raw("DELETE", f"halts/{keys[0]}", b"").status_code == 204
    assert [row["id"] for row in people["ava"].get("halts").json()["results"]] == keys[1:]
    listed = people["ava"].get("halts?state=all").json()["results"]
    assert [(row["id"], row["liftedAt"] is None) for row in listed] == [(keys[1], True), (keys[0], False)]
    assert_problem(people["ava"].get("halts?state=some"), 400)
