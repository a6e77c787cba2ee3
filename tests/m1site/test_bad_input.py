"""Bad input on every endpoint: a 4xx problem that says what is wrong, and not one row more or less anywhere."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.urls import URLPattern

from m1site import api
from m1site.accounts.models import User
from policy import drafts
from tests.factories import groups_named
from tests.m1site.conftest import Site
from tests.m1site.rest import Rest, assert_problem, counts

DIGEST = "a" * 64
PUTS = {"policy/draft"}
GOOD: dict[str, dict[str, Any]] = {  # what each POST and PUT takes, so that one field at a time can be made wrong
    "runs": {"goal": "x", "agent": "demo", "budgetUsd": "1.00"},
    "runs/{run}/cancel": {"reason": "x"},
    "runs/{external}/tool-calls": {"text": "x", "calls": [{"tool": "files.list", "arguments": {}, "reason": "x"}]},
    "runs/{external}/finish": {"answer": "x"},
    "tool-calls/{call}/approve": {"argumentsDigest": DIGEST, "round": 1, "openSeconds": 1.5, "comment": "x"},
    "tool-calls/{call}/reject": {
        "argumentsDigest": DIGEST, "round": 1, "openSeconds": 1.5, "comment": "x", "stopRun": False,
    },
    "tool-calls/{call}/edit": {
        "argumentsDigest": DIGEST, "round": 1, "openSeconds": 1.5, "arguments": {"path": "x"}, "comment": "x",
    },
    "tool-calls/{call}/break-glass": {"argumentsDigest": DIGEST, "round": 1, "openSeconds": 1.5, "reason": "x" * 20},
    "tool-calls/{call}/review": {"note": "x"},
    "tool-calls/{call}/reopen": {"reason": "x"},
    "tool-calls/{call}/cancel": {"reason": "x"},
    "tool-calls/{call}/settle": {"outcome": "succeeded", "note": "x"},
    "delegations": {
        "delegate": "sam", "startsAt": "2026-08-01T00:00:00Z", "endsAt": "2026-08-08T00:00:00Z", "reason": "x",
    },
    "preauthorizations": {
        "agents": ["demo"], "requesters": ["riley"], "tools": ["files.read"], "conditions": [], "maxUses": 1,
        "expiresInMinutes": 5, "note": "x",
    },
    "tokens/{jti}/revoke": {"reason": "x"},
    "halts": {"reason": "x", "tool": "files.read"},
    "policy/check": {"agent": "demo", "tool": "files.list", "arguments": {}},
    "policy/draft": {"document": "format: 1", "revision": 1},
    "policy/draft/publish": {"note": "x", "override": "x", "revision": 1},
    "policy/draft/reset": {"version": 1, "revision": 1},
    "policy/test": {"document": "format: 1"},
    "policy/replay": {"document": "format: 1", "sinceDays": 30},
}  # fmt: skip
DEEP = b'{"goal":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
BODIES = {
    "nothing": b" ", "a list": b"[]", "a text": b'"x"', "half an object": b'{"goal": "x"', "two objects": b"{}{}",
    "a key twice": b'{"reason": "a", "reason": "b"}', "NaN": b'{"reason": NaN}',
    "a number too large": b'{"round": 1e999}', "a huge integer": b'{"round": ' + b"9" * 5_000 + b"}",
    "NUL": rb'{"reason": "\u0000"}', "raw NUL": b'{"reason": "\0"}', "half a surrogate": rb'{"reason": "\ud800"}',
    "not UTF-8": b'{"reason": "\xff"}', "UTF-16": '{"a": 1}'.encode("utf-16"),
    "too deep": DEEP, "too wide": json.dumps({f"k{n}": 0 for n in range(10_001)}).encode(),
    "too large": b'{"reason": "' + b"x" * 1_100_000 + b'"}', "an unknown field": b'{"odd": 1}',
    "a field of Django": b'{"is_staff": true}', "the wrong case": b'{"Reason": "x"}',
}  # fmt: skip
WRONG: list[Any] = [None, 7, 1.5, True, [], {}, [1], "x" * 1_000_000, "\x00"]
RIGHT_TYPES: dict[str, tuple[type, ...]] = {  # values of WRONG that a field may well have
    "budgetUsd": (type(None), int, float), "arguments": (dict,), "conditions": (list,), "stopRun": (bool,),
    "round": (int,), "maxUses": (int,), "expiresInMinutes": (int,), "revision": (int, type(None)),
    "version": (int, type(None)), "sinceDays": (int,), "openSeconds": (int, float),
}  # fmt: skip


@pytest.fixture
def paths(site: Site) -> dict[str, str]:
    """What stands in the addresses: things that exist, so that nothing but the body is wrong."""
    call = site.pending()
    token = site.world.preauthorize()
    return {"run": str(call.run_id), "external": str(site.run().pk), "call": str(call.pk), "jti": str(token.jti)}


@pytest.fixture
def everybody(site: Site) -> dict[str, Rest]:
    """Who may call what."""
    site.world.ava.groups.add(*groups_named("operator"))
    site.world.ava.user_permissions.add(*Permission.objects.filter(codename__endswith="approvaltoken"))
    ours = ("view_auditevent", "change_rule", "add_policyversion")
    site.world.ava.user_permissions.add(*Permission.objects.filter(codename__in=ours))
    return {"robot": Rest(site.robot), "ava": Rest(site.world.ava)}


def who(path: str) -> str:
    return "robot" if "external" in path else "ava"


def method(path: str) -> str:
    return "PUT" if path in PUTS else "POST"


def send(rest: Rest, path: str, paths: dict[str, str], body: object) -> Any:
    return rest.raw(method(path), path.format(**paths), json.dumps(body).encode())


def routes() -> set[str]:
    return {str(one.pattern) for one in api.urlpatterns if isinstance(one, URLPattern)}


def test_everything_that_takes_a_body_is_in_the_table() -> None:
    posts = set()
    for one in api.urlpatterns:
        view = one.callback.view_class  # type: ignore[attr-defined]
        if hasattr(view, "post") or hasattr(view, "put"):
            posts.add(str(one.pattern).split("<")[0] + str(one.pattern).rpartition(">")[2].lstrip("/"))
    assert {path.split("{")[0] + path.rpartition("}")[2].lstrip("/") for path in GOOD} == posts


@pytest.mark.parametrize("path", GOOD)
def test_bodies_that_are_no_body_are_refused(path: str, paths: dict[str, str], everybody: dict[str, Rest]) -> None:
    before = counts()
    for what, body in BODIES.items():
        answer = everybody[who(path)].raw(method(path), path.format(**paths), body)
        assert 400 <= answer.status_code < 500, (what, answer.content)
        problem = assert_problem(answer, answer.status_code)
        assert problem["code"] in {"malformed_json", "invalid_field", "too_large"}, (what, problem)
    assert counts() == before


@pytest.mark.parametrize("path", GOOD)
def test_a_wrong_field_is_named(path: str, paths: dict[str, str], everybody: dict[str, Rest]) -> None:
    before = counts()
    for name in GOOD[path]:
        for value in WRONG:
            if isinstance(value, RIGHT_TYPES.get(name, ())) and isinstance(value, bool) == (name == "stopRun"):
                continue
            if name == "document" and value is None and method(path) == "POST":
                continue  # then it is the draft
            answer = send(everybody[who(path)], path, paths, GOOD[path] | {name: value})
            problem = assert_problem(answer, answer.status_code)
            assert answer.status_code in (400, 413), (name, value, problem)
            if problem["code"] == "invalid_field":
                assert any(error["field"].startswith(name) for error in problem["errors"]), (name, problem)
    assert counts() == before


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("runs", {"goal": " ", "agent": "demo"}, 400, "goal"),
        ("runs", {"goal": "x", "agent": "nobody"}, 400, "agent"),
        ("runs", {"goal": "x", "agent": "demo", "budgetUsd": "-1"}, 400, "budgetUsd"),
        ("runs", {"goal": "x", "agent": "demo", "budgetUsd": "NaN"}, 400, "budgetUsd"),
        ("runs", {"goal": "x", "agent": "demo", "budgetUsd": "1e400"}, 400, "budgetUsd"),
        ("runs", {"goal": "x", "agent": "demo", "budgetUsd": "99999"}, 400, "budgetUsd"),
        ("runs", {"goal": "x", "agent": "demo", "preauthorization": "x"}, 400, "preauthorization"),
        ("runs", {"goal": "x", "agent": "demo", "preauthorization": str(UUID(int=7))}, 404, None),
        ("runs/{external}/tool-calls", {"calls": []}, 400, "calls"),
        ("runs/{external}/tool-calls", {"calls": [{"tool": "files.list", "arguments": {}}]}, 400, "calls[0].reason"),
        ("runs/{external}/tool-calls",
         {"calls": [{"tool": "x", "arguments": {}, "reason": "x", "approved": True}]}, 400, "calls[0].approved"),
        ("runs/{external}/tool-calls",
         {"calls": [{"tool": "x", "arguments": {}, "reason": "x"}] * 33}, 400, "calls"),
        ("tool-calls/{call}/approve", {"argumentsDigest": DIGEST, "round": 1}, 409, None),
        ("tool-calls/{call}/approve", {"argumentsDigest": DIGEST.upper(), "round": 1}, 400, "argumentsDigest"),
        ("tool-calls/{call}/approve", {"argumentsDigest": DIGEST + "\n", "round": 1}, 400, "argumentsDigest"),
        ("tool-calls/{call}/approve", {"argumentsDigest": DIGEST, "round": 99999999999}, 400, "round"),
        ("tool-calls/{call}/reject", {"argumentsDigest": DIGEST, "round": 1, "comment": " "}, 400, "comment"),
        ("tool-calls/{call}/approve", {"argumentsDigest": DIGEST, "round": 1, "openSeconds": -1}, 400, "openSeconds"),
        ("tool-calls/{call}/approve", {"argumentsDigest": DIGEST, "round": 1, "openSeconds": "5"}, 400, "openSeconds"),
        ("tool-calls/{call}/approve",
         {"argumentsDigest": DIGEST, "round": 1, "openSeconds": 2_592_001}, 400, "openSeconds"),
        ("tool-calls/{call}/edit", GOOD["tool-calls/{call}/edit"], 409, None),
        ("tool-calls/{call}/break-glass", GOOD["tool-calls/{call}/break-glass"] | {"reason": " " * 20}, 400, "reason"),
        ("tool-calls/{call}/break-glass", GOOD["tool-calls/{call}/break-glass"] | {"reason": "x"}, 400, "reason"),
        ("tool-calls/{call}/review", {"note": "x"}, 409, None),
        ("tool-calls/{call}/reopen", {"reason": " "}, 400, "reason"),
        ("delegations", {"delegate": "sam", "endsAt": "2099-01-01", "reason": "x"}, 400, "endsAt"),
        ("delegations", {"delegate": "sam", "endsAt": "2099-01-01T00:00:00", "reason": "x"}, 400, "endsAt"),
        ("delegations", {"delegate": "sam", "endsAt": "2099-01-01T00:00:00Z", "reason": "x"}, 400, "endsAt"),
        ("delegations", {"delegate": "sam", "endsAt": "2020-01-01T00:00:00Z", "reason": "x"}, 400, "endsAt"),
        ("delegations", {"delegate": "sam", "endsAt": "0001-01-01T00:00:00+23:59", "reason": "x"}, 400, "endsAt"),
        ("delegations", {"delegate": "sam", "endsAt": "9999-12-31T23:59:59-23:59", "reason": "x"}, 400, "endsAt"),
        ("delegations", GOOD["delegations"] | {"delegate": "nobody"}, 400, "delegate"),
        ("delegations", GOOD["delegations"] | {"reason": " "}, 400, "reason"),
        ("delegations", GOOD["delegations"] | {"person": "ava"}, 400, "person"),
        ("tool-calls/{call}/settle", {"outcome": "lost", "note": "x"}, 400, "outcome"),
        ("preauthorizations", GOOD["preauthorizations"] | {"maxUses": 0}, 400, "maxUses"),
        ("preauthorizations", GOOD["preauthorizations"] | {"expiresInMinutes": 10**9}, 400, "expiresInMinutes"),
        ("preauthorizations", GOOD["preauthorizations"] | {"tools": ["no.such"]}, 400, "tools"),
        ("preauthorizations", GOOD["preauthorizations"] | {"agents": []}, 400, "agents"),
        ("preauthorizations", GOOD["preauthorizations"] | {"conditions": [{"odd": 1}]}, 400, "conditions"),
        ("halts", {"reason": "x", "tool": "no.such"}, 400, "tool"),
        ("halts", {"reason": "x", "tool": "files.read", "agent": "demo"}, 400, "tool"),
        ("policy/check", {"agent": "nobody", "tool": "files.list", "arguments": {}}, 400, "agent"),
        ("tokens/{jti}/revoke", {"reason": " "}, 400, "reason"),
        ("policy/draft", {"document": "rules: 7"}, 400, "format"),
        ("policy/draft", {"document": "format: 1\nrules: []"}, 400, "rules"),
        ("policy/draft", {"document": "a: &b c"}, 400, "a"),
        ("policy/draft", {"document": "format: 1", "revision": -1}, 400, "revision"),
        ("policy/draft", {"document": "format: 1", "revision": 2**31}, 400, "revision"),
        ("policy/draft/reset", {"version": 0}, 400, "version"),
        ("policy/draft/reset", {"version": 2}, 404, None),
        ("policy/draft/reset", {"version": 10**15}, 404, None),
        ("policy/draft/reset", {"revision": 10**9}, 409, None),
        ("policy/draft/publish", {"revision": 10**9}, 409, None),
        ("policy/test", {"document": ""}, 400, "document"),
        ("policy/test", {"document": "rules: ["}, 400, "document"),
        ("policy/replay", {"document": "rules: 7", "sinceDays": 1}, 400, "format"),
        ("policy/replay", {}, 400, "sinceDays"),
        ("policy/replay", {"sinceDays": 0}, 400, "sinceDays"),
        ("policy/replay", {"sinceDays": 731}, 400, "sinceDays"),
        ("policy/replay", {"sinceDays": 1, "viewer": "ava"}, 400, "viewer"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(
    path: str, body: dict[str, Any], status: int, field: str | None, paths: dict[str, str], everybody: dict[str, Rest]
) -> None:
    drafts.read()
    before = counts()
    problem = assert_problem(send(everybody[who(path)], path, paths, body), status)
    if field:
        assert problem["errors"][0]["field"].startswith(field), problem
    assert counts() == before


@pytest.mark.parametrize("path", sorted(routes() - {"schema", "docs"}))
def test_every_address_refuses_strangers_and_methods_it_does_not_have(
    path: str, paths: dict[str, str], everybody: dict[str, Rest]
) -> None:
    concrete = path
    for kind in ("run_id", "request_id", "jti", "halt_id", "delegation_id"):
        concrete = concrete.replace(f"<uuid:{kind}>", str(UUID(int=1))).replace("<int:number>", "1")
    before = counts()
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
        assert_problem(Rest().raw(method, concrete, b"{}"), 401)
    assert_problem(everybody["ava"].raw("PATCH", concrete, b"{}"), 405)
    assert_problem(everybody["ava"].raw("BREW", concrete, b"{}"), 405)
    assert counts() == before


@pytest.mark.parametrize(
    "path",
    ["runs", "tool-calls", "tokens", "preauthorizations", "halts", "delegations", "policy/versions", "audit/events"],
)
def test_every_list_refuses_what_it_does_not_know(path: str, everybody: dict[str, Rest]) -> None:
    for query in ("odd=1", "limit=-1", "limit=1e3", "cursor=AAAA", "status=%00", "run=1", "since=yesterday", "%ff=%ff"):
        assert_problem(everybody["ava"].get(f"{path}?{query}"), 400)


def test_what_no_account_may_have_changes_nothing(site: Site) -> None:
    User.objects.filter(username="ava").update(is_active=False)
    before = counts()
    assert_problem(Rest(site.stranger).post("preauthorizations", GOOD["preauthorizations"]), 403)
    after = counts()
    assert {table for table in after if after[table] != before[table]} <= {
        "accounts_apikey", "audit_auditevent", "audit_auditpayload"
    }  # fmt: skip
