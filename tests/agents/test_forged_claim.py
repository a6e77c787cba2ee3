"""Forged tokens in place of a real one, by somebody who writes to the ledger: nothing runs, each leaves one alarm."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import transaction

from agents.models import Execution, ToolCall
from audit.models import AuditEvent
from policy import jwt
from policy.models import ApprovalToken
from tests import forging
from tests.agents.steps import approved, claim, token_of, without_triggers
from tests.forging import FORGERIES, Forgery, Mint
from tests.world import World

pytestmark = pytest.mark.django_db
STEP = max(1, 2_000 // int(os.environ.get("M1_RACE_ROUNDS", "200")))
SCOPES: dict[str, Forgery] = {
    "another request": lambda m: m.scoped(requestId=str(uuid4())),
    "another round": lambda m: m.scoped(round=2),
    "round is a text": lambda m: m.scoped(round="1"),
    "round is true": lambda m: m.scoped(round=True),
    "another tool": lambda m: m.scoped(tool="files.delete"),
    "a pattern of tools": lambda m: m.scoped(tool="files.*"),
    "another definition": lambda m: m.scoped(toolDigest="0" * 64),
    "no definition": lambda m: m.scoped(toolDigest=""),
    "other arguments": lambda m: m.scoped(argumentsDigest="0" * 64),
    "another policy": lambda m: m.scoped(policyVersion=2),
    "no policy": lambda m: m.scoped(policyVersion=0),
    "a name more": lambda m: m.scoped(admin=True),
    "a name less": lambda m: m.saying(scope={"requestId": m.body["scope"]["requestId"]}),
    "nothing": lambda m: m.saying(scope={}),
    "a pre-authorisation's": lambda m: m.saying(scope={"agents": ["*"], "requesters": ["*"], "tools": {}, "when": []}),
}
STOLEN: dict[str, Forgery] = {  # the attacker has the signing key, and writes what they like
    "an unknown jti": lambda m: m.saying(jti=str(uuid4())),
    "another person": lambda m: m.saying(sub=str(uuid4())),
    "a longer life": lambda m: m.saying(exp=m.body["exp"] + 600),
    "an earlier start": lambda m: m.saying(iat=m.body["iat"] - 60, nbf=m.body["iat"] - 60),
    "a life that is over": lambda m: m.saying(exp=m.body["iat"] + 1, iat=m.body["iat"] - 9, nbf=m.body["iat"] - 9),
}


@pytest.fixture
def call(world: World) -> ToolCall:
    return approved(world)


@pytest.fixture
def mint(world: World, call: ToolCall) -> Iterator[Mint]:
    """The real key and the real token's claims; whoever would fetch a key is counted."""
    row = token_of(call)
    real = jwt.read("execution", row.token)
    key = settings.M1_KEYS.signing
    body = forging.body_of(
        person=real.person_id, jti=real.jti, issued=real.issued_at, expires=real.expires_at, scope=real.scope
    )  # fmt: skip
    with forging.listening() as (url, calls):
        yield Mint(key.material, key.kid, body, url, world.preauthorize(tools=["files.write"]).token)
        assert calls() == 0


@contextmanager
def undone() -> Iterator[None]:
    """Take back what happens inside, so that the next forgery meets the same approved call."""
    block = transaction.atomic()
    vars(block)["_from_testcase"] = True  # or the claim, outermost in real life, refuses to be inside
    with block:
        yield
        transaction.set_rollback(True)


def alarms(call: ToolCall) -> int:
    return AuditEvent.objects.filter(action="attack.refused", subject=f"tool_call:{call.pk}").count()


def what_ran(call: ToolCall, mint: Mint, table: Mapping[str, Forgery]) -> list[str]:
    """Return the forgeries that ran, that left the call where it was, or that left not exactly one alarm."""
    wrong = []
    for name, forge in table.items():
        with undone():
            with without_triggers():
                ApprovalToken.objects.filter(request_id=call.pk).update(token=forge(mint))
            has_run = claim(call) is not None or Execution.objects.exists()
            if has_run or alarms(call) != 1 or ToolCall.objects.get(pk=call.pk).status != "pending":
                wrong.append(name)
    return wrong


@pytest.mark.races  # the long form takes every forgery; that verification refuses each is told by test_forged.py
def test_no_forgery_of_any_family_runs(call: ToolCall, mint: Mint) -> None:
    kept = {name: forge for name, forge in FORGERIES.items() if "\0" not in forge(mint)}  # PostgreSQL keeps no NUL
    assert len(kept) == len(FORGERIES) - 1
    assert what_ran(call, mint, {name: kept[name] for name in list(kept)[::STEP]}) == []


@pytest.mark.parametrize("count", [len(SCOPES) + len(STOLEN)])
def test_nothing_that_the_real_key_signed_runs_but_what_was_approved(call: ToolCall, mint: Mint, count: int) -> None:
    assert what_ran(call, mint, {**SCOPES, **STOLEN}) == []
    assert what_ran(call, mint, {"the real one": lambda m: m.make()}) == ["the real one"]


def test_a_row_that_is_not_in_the_ledger_opens_nothing(call: ToolCall, mint: Mint) -> None:
    with without_triggers():
        rows = ApprovalToken.objects.filter(request_id=call.pk)
        rows.update(jti=UUID(int=7))
    assert claim(call) is None
    assert alarms(call) == 1
