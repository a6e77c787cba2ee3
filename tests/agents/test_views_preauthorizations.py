"""The page of pre-authorisations: conditions as rows, the scope in words, what it was used for, who ended it."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from agents import preauthorizations, runs
from agents.models import AgentRun
from agents.preauthorizations import MayNotIssueError, PreauthorizationEndedError
from m1site.accounts.models import User
from policy import tokens
from policy.errors import FieldError
from policy.models import ApprovalToken
from tests.agents import steps
from tests.agents.pages import client_of, text_of
from tests.world import World, person

pytestmark = pytest.mark.django_db
PATH = "/preauthorizations/"


@pytest.fixture
def issuer(world: World) -> Client:
    return client_of(let_issue(world.ava))


def let_issue(user: User) -> User:
    user.user_permissions.add(Permission.objects.get(codename="add_approvaltoken"))
    return steps.fresh(user)


def form(world: World, *conditions: dict[str, str], **fields: Any) -> dict[str, Any]:
    rows = {f"when-{n}-{name}": value for n, row in enumerate(conditions) for name, value in row.items()}
    return {
        "tools": ["files.read"], "agents": [str(world.agent.pk)], "requesters": "riley", "max_uses": 3, "hours": 2,
        "note": "May", "request_key": str(uuid4()), **rows, **fields,
    }  # fmt: skip


def row(argument: str, operator: str, value: str = "", **more: str) -> dict[str, str]:
    return {"argument": argument, "operator": operator, "value": value, **more}


INSIDE = row("path", "path_inside", "archive")


def test_conditions_are_rows_and_the_scope_is_told_in_words(world: World, issuer: Client) -> None:
    given = issuer.post(PATH, form(world, row("", ""), INSIDE, row("path", "ends_with", ".csv"), row("", "")))
    assert given.status_code == 302, text_of(given)
    token = ApprovalToken.objects.get()
    page = text_of(issuer.get(PATH))
    for words in (
        "Calls of files.read, as defined when it was given.", "By demo, for riley.",
        "Only when `path` is inside", "Only when `path` ends with", "0 of 3",
    ):  # fmt: skip
        assert words in page
    for part in token.token.split("."):
        assert part not in issuer.get(PATH).content.decode()


@pytest.mark.parametrize(
    ("conditions", "fields", "told"),
    [
        ([row("pth", "equals", "a")], {}, "files.read does not have (did you mean"),
        ([INSIDE], {"tools": ["files.read", "email.send"]}, "email.send does not have"),
        ([row("path", "greater_than", "7", kind="number")], {}, "does not fit files.read"),
        ([row("path", "equals", "a", quantifier="any_of")], {}, "does not fit files.read"),
        ([row("path", "matches", "(")], {}, "This"),
        ([row("path", "")], {}, "This"),
        ([row("", "equals", "a")], {}, "This"),
        ([row("path", "in")], {}, "This"),
        ([row("path", "sounds_like", "a")], {}, "Select a valid choice"),
        ([], {"requesters": "riley, nobody"}, "no active account"),
        ([], {"tools": ["no.such"]}, "Select a valid choice"),
        ([], {"agents": [str(uuid4())]}, "Select a valid choice"),
        ([], {"hours": "8761"}, "less than or equal to 8760"),
    ],
)
def test_what_cannot_be_given_is_told_where_it_stands(
    world: World, issuer: Client, conditions: list[dict[str, str]], fields: dict[str, Any], told: str
) -> None:
    answer = issuer.post(PATH, form(world, *conditions, **fields))
    page = text_of(answer)
    assert answer.status_code == 400
    assert told in page
    assert answer.content.decode().count('class="error"') >= 1
    for box in conditions:
        assert all(value in answer.content.decode() for value in box.values() if value.isalpha())
    assert not ApprovalToken.objects.exists()


def test_more_rows_come_without_script_and_nothing_is_judged_or_lost(world: World, issuer: Client) -> None:
    answer = issuer.post(PATH, form(world, INSIDE, max_uses="", do="when:add"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'class="error"' not in page
    assert 'name="when-3-argument"' in page
    assert 'value="path"' in page
    assert page.count("checked") == 2  # the tool and the agent
    assert not ApprovalToken.objects.exists()


def test_who_it_was_used_for_is_linked_for_those_who_may_see_the_call(world: World, issuer: Client) -> None:
    steps.external_run(world)
    token = tokens.issue_preauthorization(
        person=world.ava, agents=["outsider"], requesters=["riley"], tools=["files.read"], max_uses=1,
        expires_in_minutes=60,
    )  # fmt: skip
    call = steps.ask(world, "files.read", {"path": "a.txt"}, preauthorization=token.jti)
    riley = client_of(world.riley).get(PATH).content.decode()
    assert f"/approvals/{call.pk}/" in riley
    assert "1 of 1" in riley
    assert "Used up" in riley
    stranger = client_of(let_issue(person("stranger"))).get(PATH).content.decode()
    assert str(token.pk) in stranger
    assert f"/approvals/{call.pk}/" not in stranger


def test_the_list_is_filtered_by_state_and_says_who_ended_it_and_why(world: World, issuer: Client) -> None:
    issuer.post(PATH, form(world))
    token = ApprovalToken.objects.get()
    assert issuer.post(f"{PATH}{token.pk}/revoke/", {"reason": "The month is over."}).status_code == 302
    for state, is_there in (("revoked", True), ("active", False), ("used", False), ("expired", False), ("x'", True)):
        page = text_of(issuer.get(PATH, {"state": state}))
        assert ("by ava" in page and "The month is over." in page) is is_there, state


def test_only_people_who_may_issue_do(world: World) -> None:
    facts: dict[str, Any] = {
        "agents": ["demo"], "requesters": ["riley"], "tools": ["files.read"], "max_uses": 1, "expires_in_minutes": 5
    }  # fmt: skip
    robot = let_issue(User.objects.create(username="robot", kind=User.Kind.SERVICE))
    gone = let_issue(person("gone"))
    gone.is_active = False
    for who in (person("nobody"), robot, gone):
        with pytest.raises(MayNotIssueError):
            preauthorizations.issue(person=who, **facts)
    for bad in ({"agents": ["demo", "nobody"]}, {"requesters": ["riley", "ghost"]}):
        with pytest.raises(FieldError) as refused:
            preauthorizations.issue(person=let_issue(world.ava), **facts | bad)
        assert refused.value.path == tuple(bad)
    assert not ApprovalToken.objects.exists()
    assert preauthorizations.issue(person=let_issue(world.ava), **facts).max_uses == 1


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (lambda world, row: tokens.revoke(row.jti, person=world.sam, reason="Enough."), "it was revoked"),
        (lambda world, row: ApprovalToken.objects.filter(pk=row.pk).update(uses=3), "it has no uses left"),
        (lambda world, row: None, "it has expired"),
    ],
    ids=["revoked", "used up", "expired"],
)
def test_a_run_that_names_one_that_has_ended_is_told_how(
    world: World, monkeypatch: pytest.MonkeyPatch, end: Any, told: str
) -> None:
    token = world.preauthorize(max_uses=3)
    end(world, token)
    if told == "it has expired":
        monkeypatch.setattr("audit.clock.now", lambda: token.expires_at)
    with pytest.raises(PreauthorizationEndedError, match=told):
        runs.create(agent=world.agent, requester=world.riley, goal="Tidy up", preauthorization=token.jti)
    assert not AgentRun.objects.exists()
