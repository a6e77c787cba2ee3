"""The script that compares effects with records finds every broken promise, and nothing where none was broken."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from agents import sweeps, tool_calls
from agents.models import Execution, ToolCall
from audit import clock
from policy import tokens
from tests.agents import steps
from tests.faults import reconcile
from tests.world import World, make_world

pytestmark = pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
COUNTED = ["files.write"]


@dataclass(frozen=True)
class Story:
    """One call of each kind: executed on two yeses, on a pre-authorisation, settled, waiting; and what was counted."""

    done: ToolCall
    ahead: ToolCall
    settled: ToolCall
    waiting: ToolCall
    approved: ToolCall
    effects: Mapping[str, int]
    accepted: Mapping[str, Any]


def tell(world: World) -> Story:
    """Have people and workers do it all."""
    done = steps.approved(world)
    assert steps.claim(done)
    steps.run_to(done)
    token = tokens.issue_preauthorization(
        person=world.ava, agents=["outsider"], requesters=["riley"], tools=["files.list"], max_uses=5,
        expires_in_minutes=60,
    )  # fmt: skip
    ahead = steps.ask(world, "files.list", {"path": "."}, preauthorization=token.jti)
    assert steps.claim(ahead)
    steps.run_to(ahead)
    accepted = {"runs": [str(done.run_id)], "calls": [str(done.pk)], "votes": [[str(done.pk), "ava", "approve"]]}
    effects = {str(done.pk): 1, str(lost(world).pk): 1}
    settled = ToolCall.objects.get(execution__settled_by=world.ava)
    return Story(done, ahead, settled, steps.ask(world), steps.approved(world), effects, accepted)


def lost(world: World) -> ToolCall:
    """Have a worker fall silent, and a person settle it."""
    call = steps.approved(world)
    assert steps.claim(call)
    Execution.objects.filter(pk=call.pk).update(lease_until=clock.now() - timedelta(seconds=1))
    assert sweeps.lose_silent() == 1
    return tool_calls.settle(call.pk, actor=steps.fresh(world.ava), outcome="succeeded", note="It is there.")


def report(
    story: Story, *, effects: Mapping[str, int] | None = None, moving: bool = True, **more: Any
) -> dict[str, Any]:
    """Reconcile within this test's own transaction."""
    accepted = {**story.accepted, **more}
    found = story.effects if effects is None else effects
    return reconcile.reconcile(connection.connection, found, accepted, counted=COUNTED, moving=moving)


def rules(told: dict[str, Any]) -> set[str]:
    """Return the names of the rules that were broken."""
    return {violation["rule"] for violation in told["violations"]}


ROWS: dict[str, tuple[str, set[str]]] = {
    "an execution of a pending call": (
        "UPDATE agents_execution SET call_id = '{waiting}' WHERE call_id = '{done}'",
        {"executed_without_token", "too_few_people", "effect_without_execution", "execution_disagrees"},
    ),
    "a status by hand": (
        "UPDATE agents_toolcall SET status = 'failed' WHERE request_id = '{done}'", {"events_disagree"}
    ),
    "a pending call approved by hand": (
        "UPDATE agents_toolcall SET status = 'approved' WHERE request_id = '{waiting}'",
        {"events_disagree", "approved_and_forgotten"},
    ),
    "an execution without a token": (
        "UPDATE agents_execution SET token_id = NULL WHERE call_id = '{done}'",
        {"executed_without_token", "token_used_for_nothing"},
    ),
    "a token never used": (
        "UPDATE policy_approvaltoken SET used_at = NULL, uses = 0 WHERE request_id = '{done}'",
        {"executed_without_token", "token_event_missing"},
    ),
    "a token that had run out": (
        "UPDATE policy_approvaltoken SET expires_at = issued_at WHERE request_id = '{done}'",
        {"executed_without_token"},
    ),
    "a token revoked before": (
        "UPDATE policy_approvaltoken SET revoked_at = issued_at WHERE request_id = '{done}'",
        {"executed_without_token"},
    ),
    "a token for other arguments": (
        "UPDATE policy_approvaltoken SET scope = replace(scope, '{digest}', 'x') WHERE request_id = '{done}'",
        {"executed_without_token"},
    ),
    "a use that nobody counted": (
        "UPDATE policy_approvaltoken SET uses = 0 WHERE kind = 'preauthorization'",
        {"uses_not_counted", "token_event_missing"},
    ),
    "a use without a row": (
        "DELETE FROM policy_preauthorizationuse WHERE request_id = '{ahead}'",
        {"uses_not_counted", "executed_without_token"},
    ),
    "a vote removed": (
        "DELETE FROM agents_decision WHERE call_id = '{done}'",
        {"too_few_people", "vote_without_event", "accepted_vote_lost"},
    ),
    "a vote for something else": (
        "UPDATE agents_decision SET digest_seen = 'x' WHERE call_id = '{done}'", {"too_few_people"}
    ),
    "more people asked": (
        "UPDATE agents_requirement SET count = 2 WHERE call_id = '{done}'", {"too_few_people"}
    ),
    "a vote for oneself": (
        "UPDATE agents_agentrun SET requester_id = (SELECT person_id FROM agents_decision WHERE call_id = '{done}')"
        " WHERE id = (SELECT run_id FROM agents_toolcall WHERE request_id = '{done}')",
        {"own_request"},
    ),
    "other arguments": (
        "UPDATE agents_toolcallrevision SET arguments = '{{}}' WHERE call_id = '{done}'", {"executed_something_else"}
    ),
    "no arguments": ("DELETE FROM agents_toolcallrevision WHERE call_id = '{done}'", {"executed_something_else"}),
    "an event removed": (
        "DELETE FROM audit_auditevent WHERE subject = 'tool_call:{done}' AND action = 'tool_call.approved'",
        {"illegal_move"},
    ),
    "all events removed": (
        "DELETE FROM audit_auditevent WHERE subject = 'tool_call:{waiting}'", {"events_disagree"}
    ),
    "a body removed": (
        "DELETE FROM audit_auditpayload WHERE event_id = (SELECT id FROM audit_auditevent"
        " WHERE subject = 'run:{run}' AND action = 'run.created')",
        {"event_without_body"},
    ),
    "executed twice": (
        "UPDATE audit_auditevent SET action = 'tool_call.executing'"
        " WHERE subject = 'tool_call:{done}' AND action = 'tool_call.succeeded'",
        {"illegal_move", "events_disagree"},
    ),
    "an event of no call": (
        "UPDATE audit_auditevent SET subject = 'tool_call:{other}' WHERE subject = 'tool_call:{waiting}'",
        {"events_disagree"},
    ),
    "approved and in no outbox": ("DELETE FROM agents_outbox WHERE key = '{approved}'", {"approved_and_forgotten"}),
    "a run nobody plans": (
        "UPDATE agents_agentrun SET status = 'planning', waiting_for = '' WHERE id = '{run}'", {"run_forgotten"}
    ),
    "a turn twice": (
        "UPDATE agents_agentrun SET turn_count = turn_count + 1 WHERE id = '{run}'", {"turn_twice"}
    ),
    "an end that nobody told of": (
        "UPDATE agents_agentrun SET status = 'completed', waiting_for = '', end_reason = 'answered', ended_at = now()"
        " WHERE id = (SELECT run_id FROM agents_toolcall WHERE request_id = '{waiting}')",
        {"run_ended_differently", "run_ended_over_open_calls"},
    ),
    "an accepted run removed": (
        "DELETE FROM agents_agentrun WHERE id = '{run}'", {"accepted_run_lost"}
    ),
    "an accepted call removed": (
        "DELETE FROM agents_toolcall WHERE request_id = '{done}'",
        {"accepted_call_lost", "events_disagree", "effect_without_execution"},
    ),
}  # fmt: skip
"""What somebody who owns the database does, and the rules that find it."""


@pytest.mark.django_db
def test_every_planted_violation_is_found(world: World) -> None:
    story = tell(world)
    told = report(story)
    assert (told["violations"], told["duplicates"], told["lost_requests"], told["ok"]) == ([], 0, 0, True)
    assert told["executions"] == 3
    assert {name: found_after(story, sql) for name, (sql, _) in ROWS.items()} == {
        name: expected for name, (_, expected) in ROWS.items()
    }


def found_after(story: Story, sql: str) -> set[str]:
    """Return the rules that find what a statement did; nothing of it stays."""
    names = {name: getattr(story, name).pk for name in ("done", "ahead", "settled", "waiting", "approved")}
    names |= {"run": story.done.run_id, "digest": story.done.arguments_digest, "other": uuid4()}
    with steps.without_triggers(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.format(**names))
        assert cursor.rowcount, sql
        found = rules(report(story))
        transaction.set_rollback(True)
    return found


EFFECTS: dict[str, tuple[Callable[[Story], dict[str, int]], set[str]]] = {
    "two effects": (lambda story: {str(story.done.pk): 2}, {"effect_twice", "success_without_effect"}),
    "no effect": (lambda story: {str(story.done.pk): 0}, {"success_without_effect"}),
    "an effect of a pending call": (lambda story: {str(story.waiting.pk): 1}, {"effect_without_execution"}),
    "an effect of an approved call": (lambda story: {str(story.approved.pk): 1}, {"effect_without_execution"}),
    "an effect of nothing": (lambda _: {str(uuid4()): 1}, {"effect_without_execution"}),
    "an effect of nonsense": (lambda _: {"../../etc/passwd": 1}, {"effect_without_execution"}),
}


@pytest.mark.django_db
def test_every_effect_that_should_not_be_is_found(world: World) -> None:
    story = tell(world)
    found = {
        name: rules(report(story, effects={**story.effects, **make(story)})) for name, (make, _) in EFFECTS.items()
    }
    assert found == {name: expected for name, (_, expected) in EFFECTS.items()}
    missing = report(story, runs=[str(uuid4())], calls=[str(uuid4())], votes=[[str(story.done.pk), "sam", "approve"]])
    assert (rules(missing), missing["lost_requests"]) == (
        {"accepted_run_lost", "accepted_call_lost", "accepted_vote_lost"}, 3
    )  # fmt: skip


@pytest.mark.django_db
def test_what_has_not_come_to_rest_is_found(world: World) -> None:
    story = tell(world)
    restless = report(story, moving=False)
    found = {
        rule: {one["subject"] for one in restless["violations"] if one["rule"] == rule} for rule in rules(restless)
    }
    assert found.keys() == {"call_restless", "outbox_not_empty"}
    assert found["call_restless"] == {str(story.approved.pk)}
    assert found["outbox_not_empty"] >= {str(story.approved.pk), str(story.waiting.pk)}, "a token and a preview"


@pytest.mark.django_db(transaction=True)
def test_the_command_says_it_by_its_exit_code(tmp_path: Path) -> None:
    story = tell(make_world(tmp_path))
    effects, url = tmp_path / "effects.json", os.environ["M1_TEST_DATABASE_URL"]
    url = f"{url.rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    looks: list[tuple[dict[str, int], str, int]] = [
        (dict(story.effects), url, 0), ({str(story.done.pk): 2}, url, 1), ({}, f"{url}_missing", 2)
    ]  # fmt: skip
    for counts, database, code in looks:
        effects.write_text(json.dumps(counts))
        command = [sys.executable, "-I", reconcile.__file__, "--database", database, "--effects", str(effects)]
        done = subprocess.run([*command, "--counted", *COUNTED, "--moving"], capture_output=True, check=False)
        assert done.returncode == code, done
        assert code == 2 or json.loads(done.stdout)["ok"] is (code == 0)
