"""The dossier of a call: the whole story, provable without M1 where that is possible, and nothing that is a secret."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agents.dossier import making, parts
from agents.models import AgentRun, ToolCall
from audit import canonical
from audit.models import AuditEvent, AuditPayload
from m1site.accounts.models import User
from policy.models import ApprovalToken
from tests.agents import steps
from tests.agents.pages import client_of, events_of, path_of, text_of
from tests.factories import decide, make_tool_call, make_tool_version, make_user
from tests.m1site.rest import Rest
from tests.world import World, person, turn_wheels

LISTING = """
steps:
  - step: look
    calls:
      - {id: one, tool: files.list, arguments: {}, reason: Look first.}
    next:
      - goto: end
  - step: end
    finish: Done.
"""
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def broker() -> Iterator[None]:
    """Messages are no matter of these tests; their rows are."""
    with mock.patch("agents.queue.send", return_value=True):
        yield


def auditor() -> User:
    return person("aud", "auditor")


def ran(world: World) -> ToolCall:
    """Return a call that ava approved and a worker ran."""
    call = steps.approved(world)
    assert steps.claim(call)
    assert steps.run_to(call)
    return ToolCall.objects.get(pk=call.pk)


def downloaded(by: User, call: ToolCall) -> dict[str, Any]:
    """Return the dossier as the file says it."""
    answer = client_of(by).get(f"{path_of(call)}dossier/")
    assert answer.status_code == 200 and answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == f'attachment; filename="m1-dossier-{call.pk}.json"'
    found: dict[str, Any] = json.loads(answer.content)
    return found


def test_one_digest_leads_from_the_arguments_to_the_execution(world: World) -> None:
    call = ran(world)
    found = downloaded(auditor(), call)
    (revision,), (asked,), (token,) = found["revisions"], found["rounds"], found["tokens"]
    assert canonical.digest(canonical.encode(revision["arguments"])) == revision["digest"] == call.arguments_digest
    (decision,) = asked["decisions"]
    assert (decision["digestSeen"], decision["person"], asked["asked"][0]["groups"]) == (
        revision["digest"], "ava", ["approver"],
    )  # fmt: skip
    assert revision["digest"] in json.dumps(token["scope"]) and token["signatureIsGenuine"] is True
    (claimed,) = [one for one in found["events"] if one["action"] == "tool_call.executing"]
    assert claimed["payload"]["arguments_digest"] == revision["digest"]
    assert claimed["payload"]["token"] == found["execution"]["token"] == token["jti"]
    assert [one["phase"] for one in found["verdicts"]] == ["proposal", "claim"]
    assert {one["policy"]["digest"] for one in found["verdicts"]} == {call.check_row.policy_version.digest}  # type: ignore[union-attr]
    assert (found["run"]["goal"], found["execution"]["result"]) == ("Tidy up", {"ok": True})
    assert found["tool"]["digest"] == call.tool_version.digest  # type: ignore[union-attr]


def test_the_file_can_be_told_from_a_forgery_and_each_event_checked_without_m1(world: World) -> None:
    call = ran(world)
    found = downloaded(auditor(), call)
    digest = found.pop("digest")
    assert hashlib.sha256(canonical.encode(found)).hexdigest() == digest
    event = AuditEvent.objects.get(action="tool_call.dossier")
    assert json.loads(bytes(AuditPayload.objects.get(event=event).body)) == {"digest": digest}
    assert str(event.actor).startswith("user:")
    actions = {one["action"] for one in found["events"]}
    assert actions >= {"run.created", "tool_call.pending", "tool_call.vote", "tool_call.approved", "token.issued",
                       "token.consumed", "tool_call.executing", "tool_call.succeeded"}  # fmt: skip
    for one in found["events"]:
        body = bytes.fromhex(one["salt"]) + canonical.encode(one["payload"])
        assert hashlib.sha256(body).hexdigest() == one["payloadDigest"], one["action"]
        assert (one["macIsValid"], one["payloadIsValid"]) == (True, True)


def test_every_handing_out_is_on_record_and_a_refused_one_is_not(world: World) -> None:
    call, eve = ran(world), person("eve")
    assert client_of(eve).get(f"{path_of(call)}dossier/").status_code == 404
    assert Rest(eve).get(f"tool-calls/{call.pk}/dossier").status_code == 404
    assert Client().get(f"{path_of(call)}dossier/").status_code == 302
    for method in ("post", "head", "put", "delete"):
        assert getattr(client_of(world.ava), method)(f"{path_of(call)}dossier/").status_code == 405, method
    assert "tool_call.dossier" not in events_of(call.pk)
    downloaded(world.ava, call)
    assert Rest(world.ava).get(f"tool-calls/{call.pk}/dossier").json()["format"] == "M1 dossier 1"
    assert events_of(call.pk).count("tool_call.dossier") == 2
    assert "The dossier was handed out" in text_of(client_of(world.ava).get(path_of(call)))


def test_rest_and_web_say_the_same(world: World) -> None:
    call, aud = ran(world), auditor()
    web, rest = downloaded(aud, call), Rest(aud).get(f"tool-calls/{call.pk}/dossier").json()
    events = [found.pop("events") for found in (web, rest)]
    assert len(events[1]) == len(events[0]) + 1, "the first handing out is in the second"
    for found in (web, rest):
        found.pop("madeAt"), found.pop("digest")
    assert web == rest


@pytest.mark.parametrize(
    ("who", "bodies", "facts", "haste"),
    [("aud", True, True, True), ("ava", True, False, True), ("sam", True, False, False), ("riley", False, False, False),
     ("omar", False, False, False)],
)  # fmt: skip
def test_each_reads_in_it_what_they_may_read_elsewhere(
    world: World, who: str, bodies: bool, facts: bool, haste: bool
) -> None:
    call = ran(world)
    people = {"aud": auditor(), "omar": steps.operator(), "ava": world.ava, "sam": world.sam, "riley": world.riley}
    found = downloaded(people[who], call)
    assert (found["revisions"][0]["arguments"] is not None) == bodies
    assert (found["execution"]["result"] is not None) == bodies
    assert all(("payload" in one) == facts for one in found["events"])
    (decision,) = found["rounds"][0]["decisions"]
    assert ("openSeconds" in decision) == haste
    assert bodies != any("you may not read them" in one for one in found["withheld"])


def secret_call(**fields: Any) -> ToolCall:
    version = make_tool_version("vault.open", sensitive_arguments=["password"], sensitive_results=["key"])
    arguments = {"password": "hunter2-canary", "name": "prod"}
    preview = json.dumps({"kind": "text", "summary": "hunter2-canary", "body": "x"})
    return make_tool_call(
        "succeeded", version=version, arguments=arguments, output='{"key":"key-canary","n":1}', preview=preview,
        preview_state="ready", **fields,
    )  # fmt: skip


def test_sensitive_values_and_digests_over_them_leave_m1_for_nobody() -> None:
    call = secret_call()
    digest = call.arguments_digest
    text = json.dumps(downloaded(make_user("root", is_superuser=True), call))
    assert "canary" not in text and digest not in text
    found = json.loads(text)
    assert found["revisions"][0]["arguments"] == {"name": "prod", "password": {"bytes": 16, "masked": True}}
    keyed = found["revisions"][0]["digest"]
    assert keyed.startswith("hmac-sha256:") and digest not in keyed
    assert {one["digestSeen"] for one in found["rounds"][0]["decisions"]} == {keyed}, "it can still be compared"


def test_an_event_whose_facts_had_to_be_keyed_comes_without_its_salt(world: World) -> None:
    call = steps.ask(world)
    ToolCall.objects.filter(pk=call.pk).update(tool_version=make_tool_version("x.y", sensitive_arguments=["content"]))
    steps.reject(call, world.ava)
    (vote,) = [one for one in downloaded(auditor(), call)["events"] if one["action"] == "tool_call.vote"]
    assert vote["payload"]["digest_seen"].startswith("hmac-sha256:") and vote["salt"] is None
    assert vote["payloadIsValid"] is True


def test_the_text_of_a_token_and_the_wire_of_the_model_are_in_no_dossier(world: World) -> None:
    call = ran(world)
    token = steps.token_of(call).token
    text = json.dumps(downloaded(auditor(), call))
    assert not any(part in text for part in (token, *token.split(".")))


def test_a_token_changed_by_hand_is_named_as_one(world: World) -> None:
    row, other = steps.token_of(ran(world)), steps.token_of(ran(world))
    assert parts.token_of(row, world.ava)["signatureIsGenuine"] is True
    changes = {
        "token": other.token,
        "scope": "{}",
        "expires_at": row.expires_at + timedelta(1),
        "person_id": world.sam.pk,
    }
    for name, value in {**changes, "jti": other.jti}.items():
        changed = ApprovalToken.objects.get(pk=row.pk)
        setattr(changed, name, value)
        assert parts.token_of(changed, world.ava)["signatureIsGenuine"] is False, name


def test_a_yes_ahead_of_time_leads_to_the_person_who_gave_it(world: World) -> None:
    run = world.run(preauthorized=True, scenario=LISTING)
    turn_wheels(world)
    call = run.tool_calls.filter(status="succeeded").order_by("created_at").first()
    assert call is not None
    found = downloaded(auditor(), call)
    (token,) = found["tokens"]
    assert (token["kind"], token["person"], token["jti"]) == (
        "preauthorization", "ava", str(AgentRun.objects.get(pk=run.pk).preauthorization_id),
    )  # fmt: skip
    assert found["rounds"][0]["decisions"][0]["token"] == token["jti"] and token["signatureIsGenuine"] is True


def test_what_was_denied_has_a_dossier_too_and_says_that_nobody_was_asked() -> None:
    call = make_tool_call("denied")
    found = downloaded(make_user("root", is_superuser=True), call)
    assert found["execution"] is None and found["tokens"] == []
    assert found["call"]["status"] == "denied"


def test_many_answers_cost_no_more_queries() -> None:
    call, root = secret_call(), make_user("root", is_superuser=True)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            making.make(call.pk, actor=root)
        counts.append(len(queries))
        for _ in range(3):
            decide(call, make_user())
    assert counts[0] == counts[1] < 40
