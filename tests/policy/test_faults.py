"""Whatever goes wrong while a call is judged, when it is asked for or when it is taken: denied, and on record."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.models import ToolCall
from policy import check, engine, leaves, versions
from policy.errors import PolicyRefusedError
from policy.models import PolicyCheck
from tests.agents.steps import approved, ask, claim, events
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
Break = Callable[[pytest.MonkeyPatch], None]
SECRET = "secret detail"
MAIL = {"to": ["ada@example.com"], "subject": "Invoices", "body": "Two are open."}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def raising(where: Any, name: str, fault: BaseException) -> Break:
    """Return what makes a function raise."""

    def fail(*_: Any, **__: Any) -> Any:
        raise fault

    return lambda patch: patch.setattr(where, name, fail)


FAULTS: list[tuple[str, Break]] = [
    ("policy_error", raising(engine.CompiledPolicy, "decide", RuntimeError(SECRET))),
    ("policy_error", raising(engine.CompiledPolicy, "decide", RecursionError(SECRET))),
    ("policy_error", raising(engine.CompiledPolicy, "decide", MemoryError(SECRET))),
    ("policy_error", raising(engine, "answer", KeyError(SECRET))),
    ("policy_error", raising(engine, "_combined", TypeError(SECRET))),
    ("policy_error", raising(check, "evaluate", AttributeError(SECRET))),
    ("policy_error", raising(check, "proposal_of", ValueError(SECRET))),
    ("policy_error", raising(versions, "compiled", PolicyRefusedError(problem="it was altered."))),
    ("policy_error", raising(versions, "compiled", TimeoutError(SECRET))),
    ("policy_too_expensive", lambda patch: patch.setattr(leaves, "MAX_STEPS", 0)),
    ("no_policy", lambda patch: patch.setattr(versions, "active", lambda: None)),
]


def reasons(call: ToolCall) -> list[str]:
    """Return the codes of the last evaluation, which shows nothing of the fault."""
    verdict = PolicyCheck.objects.filter(request_id=call.pk).latest("created_at").verdict
    assert verdict["outcome"] == "denied" and SECRET not in str(verdict)
    return [reason["code"] for reason in verdict["reasons"]]


def test_a_fault_denies_what_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, (code, fail) in enumerate(FAULTS):
        with monkeypatch.context() as patch:
            fail(patch)
            call = ask(world, "email.send", MAIL)
        assert (call.status, reasons(call), events(call)[-1]) == ("denied", [code], "tool_call.denied"), at


def test_a_fault_denies_what_was_approved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, (code, fail) in enumerate(FAULTS):
        call = approved(world, tool="email.send", arguments=MAIL)
        with monkeypatch.context() as patch:
            fail(patch)
            assert claim(call) is None, at
        call.refresh_from_db()
        assert (call.status, reasons(call), events(call)[-1]) == ("denied", [code], "tool_call.denied"), at
