"""An executor that has the tools which misbehave, under a policy that lets one approver say yes to them."""

import threading

import pytest
from django.db import connection

from agents import tasks
from agents.models import ToolCall
from policy import allowlist, registry
from tests.agents.steps import publish
from tests.world import POLICY, TOOLS, World

MODULES = [*TOOLS, "tests.tools.hostile"]


def give(world: World, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Enable tools of tests.tools.hostile, and have this process run them."""
    for version in allowlist.sync(MODULES):
        if version.tool.name in names:
            allowlist.enable(version.pk, actor="system:cli")
    publish(world, POLICY.replace("tools: [files.write]", f"tools: [files.write, {', '.join(names)}]"))
    definitions = registry.load(MODULES)
    monkeypatch.setattr(tasks, "definitions", lambda: definitions)


def at_work(call: ToolCall) -> threading.Thread:
    """Return a thread that has begun to execute a call."""

    def work() -> None:
        try:
            tasks.execute(str(call.pk))
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    return worker
