"""Decisions are recorded by one function, and nowhere else: every way in, and every line of M1, proves it."""

import ast
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from unittest import mock

import click
import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client

from agents.models import Block, Decision, ToolCall
from audit.models import AuditEvent
from m1site.accounts.models import User
from m1site.cli import OPERATOR, PERSON
from policy import tokens
from policy.models import ApprovalToken
from tests.agents.pages import answer_to, client_of, path_of
from tests.factories import groups_named
from tests.m1site.conftest import M1, Site, decision
from tests.m1site.rest import Rest

# Commands by which people act are REST clients; those that decide:
DECIDING_COMMANDS = {"approve", "reject", "review", "break-glass"}
COMMANDS = """
approve away.end away.give away.list break-glass cancel.call cancel.run drill edit halt.lift halt.list halt.set login
pending policy.apply policy.check policy.diff policy.export policy.publish policy.replay policy.schema policy.test
preauthorize reject reopen review review-glass run settle token.list token.revoke token.rotate.begin
token.rotate.retire token.rotate.status token.rotate.switch token.verify
"""
OURS = [path for name in ("m1site", "agents", "policy", "audit") for path in sorted(Path(name).rglob("*.py"))]
REACH_THE_DATABASE = ("django", "agents", "audit.trail", "audit.models", "policy.tokens", "policy.models", "m1site.acc")
GLASS = {"reason": "The house is on fire."}
Way = Callable[[Site, ToolCall], object]


class OneFunctionOnlyError(Exception):
    """Stands in the place of the function that records decisions."""


def browser(user: User) -> Client:
    client = client_of(user)
    client.raise_request_exception = False
    return client


def web(answer: str, **fields: str) -> Way:
    def act(site: Site, call: ToolCall) -> object:
        return browser(site.world.ava).post(path_of(call), answer_to(call, answer, site.world.ava, **fields))

    return act


def desk(answer: str) -> Way:
    def act(site: Site, call: ToolCall) -> object:
        User.objects.filter(pk=site.world.ava.pk).update(is_staff=True, is_superuser=True)
        seen = f"{call.pk}:{call.round}:{call.arguments_digest}"
        form = {"action": answer, ACTION_CHECKBOX_NAME: [str(call.pk)], "confirmed": "yes", "comment": "So."}
        return browser(site.world.ava).post("/admin/agents/toolcall/", form | {"seen": seen})

    return act


def rest(answer: str, **fields: str) -> Way:
    return lambda site, call: site.ava.post(f"tool-calls/{call.pk}/{answer}", decision(call, **fields))


def ahead(site: Site, call: ToolCall) -> object:
    row = tokens.issue_preauthorization(
        person=site.world.ava, agents=["robot"], requesters=["riley"], tools=["files.read"], max_uses=3,
        expires_in_minutes=60,
    )  # fmt: skip
    run = site.run()
    type(run).objects.filter(pk=run.pk).update(preauthorization=row)
    body = {"calls": [{"tool": "files.read", "arguments": {"path": "a.txt"}, "reason": "It is due."}]}
    return Rest(site.robot).post(f"runs/{run.pk}/tool-calls", body)


WAYS: dict[str, Way] = {
    "web approve": web("approve", comment=""), "web reject": web("reject", comment="No."),
    "web stop": web("stop", comment="No."), "web break_glass": web("break_glass", **GLASS),
    "admin approve": desk("approve"), "admin reject": desk("reject"),
    "rest approve": rest("approve"), "rest reject": rest("reject", comment="No."),
    "rest break-glass": rest("break-glass", **GLASS), "ahead of time": ahead,
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_decide_ends_in_the_one_function(site: Site, way: str) -> None:
    site.world.ava.groups.add(*groups_named("break-glass"))
    call = site.pending()
    before = set(AuditEvent.objects.values_list("pk", flat=True))
    patched = mock.patch("agents.approval.decisions.record", side_effect=OneFunctionOnlyError)
    with patched as record, suppress(OneFunctionOnlyError):
        WAYS[way](site, call)
    assert record.call_count == 1
    assert not Decision.objects.exists() and not Block.objects.exists()
    assert not ApprovalToken.objects.filter(kind="execution").exists()
    assert not ToolCall.objects.exclude(status="pending").exists()
    assert not AuditEvent.objects.exclude(pk__in=before).filter(subject__startswith="tool_call:").exists()
    WAYS[way](site, call)
    assert Decision.objects.count() == 1


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command that is not a group of them, by its name with dots."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name}.")
        else:
            yield before + name, command


def test_every_command_of_a_persons_is_known_and_knows_nothing_but_rest() -> None:
    group = click.Group("m1", {name: one.load() for name, one in PERSON.items()})
    found = dict(commands(group))
    assert found.keys() == set(COMMANDS.split())
    assert found.keys() >= DECIDING_COMMANDS
    assert not DECIDING_COMMANDS & OPERATOR.keys()
    people = [command.callback for name, command in found.items() if not name.startswith("token.rotate.")]
    for module in {callback.__module__ for callback in people if callback}:
        names = {name for node in nodes(Path(module.replace(".", "/") + ".py")) for name in imported(node)}
        assert not {name for name in names if name.startswith(REACH_THE_DATABASE)}, module


@pytest.mark.django_db(transaction=True)
def test_every_deciding_command_ends_in_the_one_function(site: Site, m1: M1) -> None:
    site.world.ava.groups.add(*groups_named("break-glass"))
    glass = ["{}", "--yes", "--reason", GLASS["reason"]]
    said = {"approve": ["{}"], "reject": ["{}", "--comment", "No."], "review": [], "break-glass": glass}
    assert said.keys() == DECIDING_COMMANDS
    for number, (name, argv) in enumerate(said.items()):
        call = site.pending()
        words = [word.format(call.pk) for word in argv]
        with mock.patch("agents.approval.decisions.record", side_effect=OneFunctionOnlyError) as record:
            m1(name, *words, by=site.world.ava, typed="a\n")
        assert record.call_count == 1, name
        assert Decision.objects.count() == number
        assert ToolCall.objects.get(pk=call.pk).status == "pending"
        m1(name, *words, by=site.world.ava, typed="a\n")
        assert Decision.objects.get(call=call).surface == "cli", name


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(), str(path))))


def imported(node: ast.AST) -> list[str]:
    """Return what a node imports, with its module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []


def where(found: Callable[[ast.AST], bool]) -> set[str]:
    """Return the files of M1 in which something stands; migrations make tables, not rows."""
    return {str(path) for path in OURS if "migrations" not in path.parts and any(map(found, nodes(path)))}


def calls(node: ast.AST, *patterns: str) -> bool:
    """Tell whether a node calls something of these names."""
    return isinstance(node, ast.Call) and any(re.search(pattern, ast.unparse(node.func)) for pattern in patterns)


MAKING = r"\.(a?bulk_create|a?create|a?get_or_create|a?update_or_create|add|set|save|update|delete|_raw_delete)$"


def writes_decisions(node: ast.AST) -> bool:
    """Tell whether a node makes, changes or removes decisions: by the model, by a relation, or by SQL."""
    if isinstance(node, ast.Constant):
        return "agents_decision" in str(node.value)
    if calls(node, r"get_model$"):
        return "Decision" in ast.unparse(node)
    by_model = r"\bDecision\.(_base_manager|_default_manager|objects)\b.*"
    return calls(node, r"^(models\.)?Decision$", by_model + MAKING, r"\.(decisions|decision_set)\b.*" + MAKING)


def test_decisions_are_written_in_one_place() -> None:
    found = {path for path in where(writes_decisions) if not path.startswith("policy/")}  # which knows no such model
    assert found == {"agents/approval/decisions.py"}


def test_execution_tokens_are_signed_in_one_place() -> None:
    assert where(lambda node: calls(node, r"\bissue_execution$")) == {"agents/passing.py"}
    by_passing = where(lambda node: calls(node, r"\bpassing\.passed$|^passed$"))
    assert by_passing == {"agents/tool_calls.py", "agents/approval/break_glass.py"}
    made = where(lambda node: calls(node, r"\bApprovalToken(\.objects\..*create)?$", r"^_signed$"))
    assert made == {"policy/tokens.py"}


def test_the_one_function_is_called_from_three_places() -> None:
    by = where(lambda node: calls(node, r"\bdecisions\.record$"))
    assert by == {"agents/tool_calls.py", "agents/approval/break_glass.py", "agents/proposals.py"}


@pytest.mark.parametrize(
    "line",
    [
        "Decision(call=call)", "Decision.objects.create(call=call)", "Decision.objects.bulk_create(rows)",
        "call.decisions.create(person=user)", "Decision.objects.filter(pk=1).update(answer='approve')",
        "call.decisions.all().delete()", "cursor.execute('INSERT INTO agents_decision VALUES (1)')",
        "apps.get_model('agents', 'Decision')", "Decision._base_manager.get_or_create(pk=1)",
    ],
)  # fmt: skip
def test_what_writes_a_decision_is_recognised(line: str) -> None:
    assert any(map(writes_decisions, ast.walk(ast.parse(line))))
