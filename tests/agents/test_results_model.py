"""What the model is told that a tool returned: no sensitive value, however deep, and every cut with its proof."""

import hashlib
import json
from typing import Any

import pytest

from agents import masking, orchestrator
from agents.models import Execution, ToolCall
from agents.planners import transcript
from audit import canonical
from m1site.accounts.models import User
from tests.agents.pages import client_of, path_of
from tests.factories import make_agent, make_run, make_tool_call, make_tool_version, make_turn, make_user
from tests.m1site.rest import Rest

pytestmark = pytest.mark.django_db
SECRET = "DE02 1203 0000 0000 2020 51"
MASK = {"masked": True, "bytes": 29}
NAMES = ("iban", "key")


def finished(output: Any, *names: str, **fields: Any) -> ToolCall:
    """Return a call whose tool returned this, and of whose fields these are sensitive."""
    version = make_tool_version("bank.account", sensitive_results=list(names))
    body = canonical.encode(output)
    call = make_tool_call("succeeded", version=version, output=body.decode())
    facts = {"output_bytes": len(body), "output_digest": canonical.digest(body)} | fields
    Execution.objects.filter(pk=call.pk).update(**facts)
    return ToolCall.objects.select_related("execution", "tool_version").get(pk=call.pk)


def told(call: ToolCall) -> str:
    """Return what the model reads about the call, from the function that tells it."""
    return transcript.tell(orchestrator._outcome(call))


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ({"iban": SECRET, "bank": "A"}, {"iban": MASK, "bank": "A"}),
        ({"rows": [{"iban": SECRET}, {"iban": SECRET, "n": 1}]}, {"rows": [{"iban": MASK}, {"iban": MASK, "n": 1}]}),
        ({"a": {"b": [[{"c": {"iban": SECRET}}]]}}, {"a": {"b": [[{"c": {"iban": MASK}}]]}}),
        ({"key": {"of": [SECRET, SECRET]}}, {"key": {"masked": True, "bytes": 68}}),
        ({"key": None, "iban": ""}, {"key": {"masked": True, "bytes": 4}, "iban": {"masked": True, "bytes": 2}}),
        ({"iban2": "open", "IBAN": "open"}, {"iban2": "open", "IBAN": "open"}),
        ([SECRET], {"masked": True, "bytes": 31}),
        (SECRET, MASK),
        ({}, {}),
    ],
)
def test_a_sensitive_field_is_its_size_to_the_model_and_to_rest(output: Any, shown: Any) -> None:
    call = finished(output, *NAMES)
    assert json.loads(told(call)) == shown
    reader = make_user("", "auditor")
    answer = Rest(reader).get(f"tool-calls/{call.pk}").json()
    assert answer["result"] == shown
    assert SECRET not in json.dumps(answer)


def test_a_person_who_may_read_bodies_sees_the_value_and_nobody_else(db: None) -> None:
    call = finished({"iban": SECRET}, "iban")
    assert SECRET in page(call, make_user("", "auditor"))
    assert SECRET not in page(call, make_user("", "operator"))
    assert SECRET not in page(call, call.run.requester)


def page(call: ToolCall, person: User) -> str:
    return client_of(person).get(path_of(call)).content.decode()


@pytest.mark.parametrize("size", [10, 49_000, 50_000, 51_000, 260_000])
def test_a_long_result_is_cut_for_the_model_with_size_and_digest_of_the_whole(size: int) -> None:
    call = finished({"text": "x" * size})
    whole = call.execution.output
    said = told(call)
    assert len(said) <= transcript.OUTPUT_LIMIT
    if len(whole) <= transcript.OUTPUT_LIMIT:
        assert said == whole
    else:
        digest = hashlib.sha256(whole.encode()).hexdigest()
        assert said.endswith(f"\n[M1: cut here; the whole result has {len(whole):,} bytes, SHA-256 {digest}]")
        assert whole.startswith(said.partition("\n")[0])


def test_a_long_result_with_a_sensitive_field_is_cut_after_it_was_masked_and_without_a_digest() -> None:
    call = finished({"a": "x" * 60_000, "iban": SECRET}, "iban")
    said = told(call)
    assert "cut here" in said and "SHA-256" not in said
    assert call.execution.output_digest not in said


@pytest.mark.parametrize(("names", "has_digest"), [((), True), (("iban",), False)])
def test_a_result_that_was_too_large_to_keep_says_so(names: tuple[str, ...], has_digest: bool) -> None:
    note = {"truncated": True, "bytes": 400_000, "sha256": "a" * 64, "head": "" if names else "{"}
    said = json.loads(told(finished(note, *names, is_truncated=True, output_bytes=400_000)))
    assert (said["truncated"], said["bytes"], "sha256" in said) == (True, 400_000, has_digest)


def test_an_error_is_for_who_may_read_bodies_and_for_the_agent() -> None:
    account = User.objects.create(username="robot", kind=User.Kind.SERVICE)
    agent = make_agent(planner="external", service_account=account)
    call = make_tool_call("failed", turn=make_turn(make_run(agent=agent)))
    assert told(ToolCall.objects.select_related("execution", "tool_version").get(pk=call.pk)).endswith("It broke.")
    readers = {"auditor": make_user("", "auditor"), "agent": account, "operator": make_user("", "operator")}
    found = {name: Rest(one).get(f"tool-calls/{call.pk}").json()["error"] for name, one in readers.items()}
    assert found == {"auditor": "It broke.", "agent": "It broke.", "operator": ""}


def test_what_is_no_json_is_masked_as_nothing() -> None:
    assert masking.masked(b"{", NAMES) is None
