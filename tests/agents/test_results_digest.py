"""A digest over a short secret is the secret, to whoever can try all of them: so M1 keeps and tells a keyed one."""

import hashlib
import json

import pytest

from agents import tasks
from agents.models import Execution, ToolCall
from agents.sandbox.redaction import with_keyed_digest
from agents.sandbox.values import Result
from audit.models import AuditPayload
from m1site.accounts.models import User
from tests.agents import executor
from tests.agents.pages import client_of, path_of
from tests.agents.steps import approved, claim, run_to
from tests.factories import make_user
from tests.m1site.rest import Rest
from tests.world import World

pytestmark = pytest.mark.django_db
PIN = hashlib.sha256(b'{"pin":"4711","text":""}').hexdigest()


@pytest.fixture(autouse=True)
def executes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    executor.give(world, monkeypatch, "hostile.secret", "hostile.large")


def executed(world: World, tool: str = "hostile.secret", size: int = 0) -> ToolCall:
    """Return a call after an executor had it."""
    call = approved(world, tool=tool, arguments={"size": size})
    tasks.execute(str(call.pk))
    return ToolCall.objects.select_related("execution").get(pk=call.pk)


def told(call: ToolCall, person: User) -> dict[str, bytes]:
    """Return whatever the person reads about the call, wherever they look."""
    browser, rest = client_of(person), Rest(person)
    paths = {"page": path_of(call), "run": f"/runs/{call.run_id}/", "dossier": f"{path_of(call)}dossier/",
             "admin": f"/admin/agents/execution/{call.pk}/change/"}  # fmt: skip
    found = {name: browser.get(path).content for name, path in paths.items()}
    for name, path in {"call": f"tool-calls/{call.pk}", "its run": f"runs/{call.run_id}"}.items():
        found[name] = rest.get(path).content
    return found


def test_the_digest_of_a_secret_is_nowhere_and_a_keyed_one_stands_in_its_place(world: World) -> None:
    call = executed(world)
    keyed = call.execution.output_digest
    assert call.status == "succeeded" and keyed.startswith("hmac-sha256:") and len(keyed) <= 64
    assert hashlib.sha256(call.execution.output.encode()).hexdigest() == PIN
    bodies = b"".join(bytes(body) for body in AuditPayload.objects.values_list("body", flat=True))
    assert keyed.encode() in bodies and PIN.encode() not in bodies
    for person in (make_user("root", is_superuser=True, is_staff=True), make_user("eve", "auditor", is_staff=True)):
        found = told(call, person)
        assert [name for name, text in found.items() if PIN.encode() in text] == []
        assert [name for name, text in found.items() if keyed.encode() not in text] == ["run"]
        dossier = json.loads(found["dossier"])
        (event,) = [one for one in dossier["events"] if one["action"] == "tool_call.succeeded"]
        assert event["payload"]["output_digest"] == dossier["execution"]["outputDigest"] == keyed
        assert event["salt"], "an outsider can check the event, since nothing in it had to be put out of sight"


def test_a_late_result_has_the_same_keyed_digest_as_the_one_on_record(world: World) -> None:
    call = executed(world)
    row = call.execution
    again = Result(True, "", row.output_bytes, row.output_digest, False, "", "")
    assert not run_to(call, worker="another", result=again)
    (late,) = Rest(world.ava).get(f"tool-calls/{call.pk}").json()["lateResults"]
    assert late["outputDigest"] == row.output_digest


def test_equal_secrets_of_two_calls_have_digests_of_their_own(world: World) -> None:
    first, second = executed(world), executed(world)
    assert first.execution.output == second.execution.output
    assert first.execution.output_digest != second.execution.output_digest


def test_a_secret_result_that_was_too_large_names_no_plain_digest(world: World) -> None:
    row = executed(world, size=300_000).execution
    whole = hashlib.sha256(b'{"pin":"4711","text":"' + b"x" * 300_000 + b'"}').hexdigest()
    assert (row.is_truncated, row.output_bytes, whole in row.output) == (True, 300_024, False)
    assert json.loads(row.output)["sha256"] == row.output_digest


def test_what_is_not_sensitive_keeps_the_digest_that_anybody_can_check(world: World) -> None:
    row = executed(world, "hostile.large", 3).execution
    assert row.output_digest == hashlib.sha256(row.output.encode()).hexdigest()


def test_the_answer_to_a_recorded_result_may_be_lost_as_ever(world: World) -> None:
    call = approved(world, tool="hostile.secret", arguments={"size": 0})
    assert claim(call)
    digest = "a" * 64
    result = Result(True, '{"pin":"4711","text":""}', 24, digest, False, "", "")
    for _ in range(2):
        assert run_to(call, result=with_keyed_digest(result, str(call.pk)))
    assert Execution.objects.get(pk=call.pk).output_digest != digest
