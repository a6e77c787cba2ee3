"""The draft over REST: from a file to a version in force, by two people; who may do what; what stops it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction

from audit import canonical
from m1site.accounts.models import User
from m1site.demo import people
from policy import documents, drafts, yaml_text
from policy.models import Draft, PolicyVersion
from tests.m1site.conftest import Site
from tests.m1site.rest import Rest, assert_problem
from tests.world import POLICY as DEMO

ASK = "review: {requirements: [{count: 1, groups: [approver]}]}"
EIGHT = "# Mind the archive.\n" + DEMO.replace("seven years, so", "eight years, so")
WARNED = EIGHT.replace("rules:\n", f"rules:\n  - {{name: payments, match: {{tools: [pay.send]}}, {ASK}}}\n", 1)


def may(user: User, *codenames: str) -> Rest:
    """Let somebody do something, and return them as REST sees them."""
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return Rest(user)


@pytest.fixture
def author(site: Site) -> Rest:
    return may(site.world.sam, "change_rule")


@pytest.fixture
def publisher(site: Site) -> Rest:
    return may(site.world.ava, "add_policyversion")


@pytest.fixture
def reader(site: Site) -> Rest:
    return may(site.world.riley, "view_policyversion")


def put(rest: Rest, text: str, **fields: object) -> Any:
    return rest.raw("PUT", "policy/draft", canonical.encode({"document": text, **fields}))


def test_a_file_becomes_the_draft_and_the_draft_a_version(site: Site, author: Rest, publisher: Rest) -> None:
    before = author.get("policy/draft").json()
    assert (before["base"], before["editors"], before["document"]) == (1, [], DEMO)
    told = put(author, EIGHT, revision=before["revision"]).json()
    assert (told["revision"], told["author"], told["editors"]) == (before["revision"] + 1, "sam", ["sam"])
    assert (told["document"], told["digest"]) == (EIGHT, documents.digest(documents.load(EIGHT)))
    assert author.post("policy/test").json() == {"isClean": True, "findings": [], "failures": []}
    answer = publisher.post("policy/draft/publish", {"note": "Longer.", "revision": told["revision"]})
    assert answer.status_code == 201
    version = answer.json()
    assert (version["number"], version["author"], version["publisher"], version["note"]) == (2, "sam", "ava", "Longer.")
    assert publisher.get("policy/versions/2").json() == version == publisher.get("policy/active").json()
    assert version["document"] == EIGHT


def test_publishing_twice_under_one_key_publishes_once(site: Site, author: Rest, publisher: Rest) -> None:
    put(author, EIGHT)
    first, again = (publisher.post("policy/draft/publish", {}, Idempotency_Key="one") for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert PolicyVersion.objects.count() == 2


def test_what_stops_a_publication_is_told_as_a_list(site: Site, author: Rest, publisher: Rest) -> None:
    put(author, WARNED.replace("rules: [read-files]", "rules: []", 1))
    problem = assert_problem(publisher.post("policy/draft/publish"), 409, "policy_refused")
    assert [one["case"] for one in problem["failures"]] == ["listing the workspace may be pre-authorised"]
    [finding] = problem["findings"]
    assert finding.keys() == {"code", "where", "problem", "isError"}
    assert (finding["where"], finding["isError"]) == ("rule payments", False)


def test_a_warning_is_overridden_with_a_reason_that_stays(site: Site, author: Rest, publisher: Rest) -> None:
    put(author, WARNED)
    told = author.post("policy/test").json()
    assert (told["isClean"], [one["where"] for one in told["findings"]]) == (False, ["rule payments"])
    version = publisher.post("policy/draft/publish", {"override": "It comes tomorrow."}).json()
    [kept] = version["overridden"]
    assert (kept["where"], kept["reason"]) == ("rule payments", "It comes tomorrow.")


def test_four_eyes_name_who_may(site: Site, author: Rest, publisher: Rest) -> None:
    both = may(site.world.sam, "add_policyversion")
    put(both, EIGHT)
    problem = assert_problem(both.post("policy/draft/publish"), 403, "four_eyes")
    assert "ava" in problem["detail"]
    assert publisher.post("policy/draft/publish").status_code == 201


def test_a_stale_draft_is_neither_applied_nor_published(site: Site, author: Rest, publisher: Rest) -> None:
    seen = author.get("policy/draft").json()["revision"]
    put(author, EIGHT)
    assert "sam" in assert_problem(put(author, DEMO, revision=seen), 409, "stale_draft")["detail"]
    assert_problem(publisher.post("policy/draft/publish", {"revision": seen}), 409, "stale_draft")
    assert_problem(author.post("policy/draft/reset", {"revision": seen}), 409, "stale_draft")
    assert drafts.text() == EIGHT


def test_every_problem_of_a_document_is_told_with_its_line(site: Site, author: Rest) -> None:
    text = DEMO.replace("deny:", "dany:").replace("count: 2", "count: 0", 1)
    problem = assert_problem(put(author, text), 400, "invalid_policy_document")
    lines = text.splitlines()
    for error in problem["errors"]:
        assert error.keys() == {"line", "field", "problem"} and error["field"].startswith("rules[")
        assert any(word in lines[error["line"] - 1] for word in ("dany", "count: 0", "match"))
    assert len(problem["errors"]) == text.count("dany:") + 1
    again = assert_problem(author.post("policy/test", {"document": text}), 400, "invalid_policy_document")
    assert again["errors"] == problem["errors"]
    assert not Draft.objects.filter(text=text).exists()


def test_a_document_is_tested_without_becoming_the_draft(site: Site, reader: Rest) -> None:
    told = reader.post("policy/test", {"document": DEMO.replace("outcome: denied}", "outcome: needs_approval}", 1)})
    assert (told.json()["isClean"], told.json()["findings"]) == (False, [])
    [failure] = told.json()["failures"]
    assert failure["outcome"] == "denied" and failure["sentences"]
    assert failure["problem"].startswith("expected needs_approval, got denied")
    assert not Draft.objects.exists()


def test_what_differs_is_told_piece_by_piece(site: Site, author: Rest, publisher: Rest, reader: Rest) -> None:
    put(author, EIGHT)
    told = reader.get("policy/diff").json()
    assert (told["from"], told["to"]) == ("1", "draft")
    [one] = told["differences"]
    assert (one["kind"], one["what"], one["name"]) == ("changed", "rule", "archive-stays")
    assert "seven years, so" in one["before"] and "eight years, so" in one["after"]
    publisher.post("policy/draft/publish")
    assert reader.get("policy/diff?from=1&to=2").json()["differences"] == told["differences"]
    assert reader.get("policy/diff").json()["differences"] == []
    assert reader.get("policy/diff?from=2&to=1").json()["differences"][0]["before"] == one["after"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("from=3", 404), ("from=99999999999999", 404), ("to=0", 404), ("from=-1", 400), ("from=x", 400), ("from=²", 400),
     ("to=", 400), ("from=1&from=1", 400), ("odd=1", 400), ("to=%00", 400)],
)  # fmt: skip
def test_a_comparison_with_what_is_not_there(reader: Rest, query: str, status: int) -> None:
    assert_problem(reader.get(f"policy/diff?{query}"), status)


@pytest.mark.parametrize("number", ["2", "0", "99999999999999999999", "9" * 5_000])
def test_a_version_that_is_not_there(reader: Rest, number: str) -> None:
    assert_problem(reader.get(f"policy/versions/{number}"), 404, "not_found")


def test_before_the_first_policy_there_is_an_empty_draft(site: Site, author: Rest, monkeypatch: Any) -> None:
    monkeypatch.setattr("policy.models.PolicyVersion.objects", PolicyVersion.objects.none())
    monkeypatch.setattr("policy.versions.newest", list)
    told = author.get("policy/draft").json()
    assert (told["base"], told["author"]) == (None, None)
    assert yaml_text.read(told["document"])[0] == {"format": 1, "rules": []}
    assert author.get("policy/diff").json() == {"from": "none", "to": "draft", "differences": []}
    assert [one["code"] for one in author.post("policy/test").json()["findings"]] == ["no_rule"]


def test_the_schema_for_editors_accepts_the_demos_policy(site: Site) -> None:
    assert site.riley.get("policy/document-schema").json() == documents.schema()


def test_a_reset_brings_back_what_was_published(site: Site, author: Rest) -> None:
    put(author, EIGHT)
    assert author.post("policy/draft/reset", {"version": 1}).json()["document"] == DEMO
    put(author, EIGHT)
    assert author.post("policy/draft/reset", {}).json()["editors"] == []


def test_a_policy_may_be_large_and_not_larger(site: Site, author: Rest) -> None:
    comment = "# Mind the archive.\n" * 100_000
    assert put(author, comment + DEMO).status_code == 200
    assert_problem(put(author, "#" * 5_100_000), 400)
    assert_problem(put(author, "#" * 7_000_000), 413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "codenames"),
    [
        ("GET", "policy/draft", {"view_policyversion", "change_rule", "add_policyversion"}),
        ("GET", "policy/diff", {"view_policyversion", "change_rule", "add_policyversion"}),
        ("GET", "policy/versions/1", {"view_policyversion", "change_rule", "add_policyversion"}),
        ("POST", "policy/test", {"view_policyversion", "change_rule", "add_policyversion"}),
        ("PUT", "policy/draft", {"change_rule"}),
        ("POST", "policy/draft/reset", {"change_rule"}),
        ("POST", "policy/draft/publish", {"add_policyversion"}),
    ],
)
def test_each_thing_takes_its_permission(site: Site, method: str, path: str, codenames: set[str]) -> None:
    for codename in ("view_policyversion", "change_rule", "add_policyversion", "view_rule", "view_toolversion"):
        rest = may(User.objects.create_user(codename), codename)
        answer = rest.raw(method, path, b"{}")
        assert (answer.status_code == 403) == (codename not in codenames), (codename, answer.content)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", "policy/draft", {"document": EIGHT}), ("POST", "policy/draft/reset", {}),
     ("POST", "policy/draft/publish", {})],
)  # fmt: skip
def test_programs_neither_edit_nor_publish(
    site: Site, author: Rest, method: str, path: str, body: dict[str, object]
) -> None:
    put(author, EIGHT)
    robot = may(site.robot, "change_rule", "add_policyversion")
    assert_problem(robot.raw(method, path, canonical.encode(body)), 403, "not_eligible")
    assert PolicyVersion.objects.count() == 1 and drafts.text() == EIGHT


@pytest.mark.django_db
def test_in_the_demo_one_person_writes_and_another_publishes() -> None:
    with transaction.atomic():
        people.create()
    ava, sam, riley = (User.objects.get(username=name) for name in ("ava", "sam", "riley"))
    written = ("draft", "rule", "ruletest")
    assert all(sam.has_perm(f"policy.{verb}_{what}") for verb in ("add", "change", "delete") for what in written)
    assert not any(ava.has_perm(f"policy.{verb}_rule") for verb in ("add", "change", "delete"))
    assert (sam.has_perm(drafts.PUBLISH), ava.has_perm(drafts.PUBLISH)) == (False, True)
    assert (sam.is_staff, ava.is_staff, riley.is_staff) == (True, True, False)
    assert not any(riley.has_perm(one) for one in (drafts.READ, drafts.EDIT, drafts.PUBLISH))
