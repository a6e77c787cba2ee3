"""The text of a token is in its ledger row and nowhere else: no log, message, answer, page, error or repr has it."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from agents.models import Execution, Outbox, ToolCall
from m1site.accounts.models import User
from m1site.logs import LineFormatter
from policy.jwt import TokenRefusedError
from policy.models import ApprovalToken
from policy.tokens import verified
from tests.agents import steps
from tests.agents.pages import client_of
from tests.world import World, person

pytestmark = pytest.mark.django_db


class Kept(logging.Handler):
    """Every record, as the log has it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.formatter = LineFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.lines.append(self.format(record))


@pytest.fixture
def log() -> Iterator[Kept]:
    kept, root = Kept(), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield kept
    root.setLevel(level)
    root.removeHandler(kept)


def overseer() -> User:
    boss = person("boss", "auditor", "administrator")
    boss.is_staff = True
    boss.save()
    boss.user_permissions.set(Permission.objects.all())
    return steps.fresh(boss)


def answers(client: Client, *paths: str) -> list[str]:
    found = []
    for path in paths:
        answer = client.get(path, follow=True)
        assert answer.status_code in (200, 404, 409), (path, answer.status_code)
        found.append(answer.content.decode())
    return found


def test_the_text_of_a_token_is_said_nowhere(world: World, log: Kept) -> None:
    ahead = world.preauthorize(max_uses=3)
    waiting, ran = steps.approved(world), steps.approved(world)
    messages = repr(list(Outbox.objects.values()))
    assert steps.claim(ran) is not None
    rows = [ahead, steps.token_of(waiting), steps.token_of(ran)]
    broken = ApprovalToken(**{**{f.attname: getattr(rows[1], f.attname) for f in rows[1]._meta.fields}, "kid": "x"})
    broken.token = f"{rows[1].token[:-6]}AAAAAA"
    with pytest.raises(TokenRefusedError) as refused:
        verified(broken)
    client, call = client_of(overseer()), ToolCall.objects.get(pk=ran.pk)
    admin = "/admin/policy/approvaltoken/"
    said = [
        *answers(client, "/preauthorizations/", f"/approvals/{call.pk}/", f"/approvals/{waiting.pk}/"),
        *answers(
            client, f"/runs/{call.run_id}/", "/admin/agents/execution/", f"/admin/agents/execution/{call.pk}/change/"
        ),
        *answers(client, "/admin/agents/decision/", "/admin/agents/toolcall/", f"{admin}?q={rows[0].token[:40]}"),
        *answers(client, "/api/m1/tokens", "/api/m1/preauthorizations", f"/api/m1/tool-calls/{call.pk}"),
        *answers(client, f"/api/m1/runs/{call.run_id}", "/api/m1/audit/events", "/api/m1/tool-calls"),
        *(page for row in rows for page in answers(client, f"{admin}{row.pk}/change/", f"/api/m1/tokens/{row.pk}")),
        *answers(client, f"/api/m1/tokens/{rows[0].token}", f"/preauthorizations/{rows[0].token}/revoke/"),
    ]
    said += [
        messages,
        *log.lines,
        repr(rows),
        str(rows),
        str(refused.value),
        repr(refused.value),
        repr(refused.value.facts),
    ]
    said.append(repr(list(Execution.objects.all())))
    own = {f"{admin}?q=": rows[0].token[:40]}  # what a person types into a search box comes back to them
    for row in rows:
        header, payload, signature = row.token.split(".")
        for text in said:
            assert signature not in text
            assert f"{header}.{payload[:16]}" not in text.replace(own[f"{admin}?q="], "")
