"""Calls with a story that few have: changed by a person, under a halt, let through by somebody who broke the glass."""

import json
from collections.abc import Mapping

from agents import halts
from agents.approval import break_glass, editing
from agents.models import ToolCall
from m1site.accounts.models import User
from policy.models import Tool
from tests.agents import steps
from tests.factories import make_user
from tests.world import World

WHY_EDITED = "The customer asked for a copy to the shop, and the file belongs into this year's folder."


def make(world: World, people: Mapping[str, User]) -> Mapping[str, ToolCall]:
    """Return those calls, by a name for each."""
    return {"edited": _edited(world), "glass": _glass(world), "halted": _halted(world, people["omar"])}


def _edited(world: World) -> ToolCall:
    call = steps.ask(world, "files.write", {"path": "letters/refund.txt", "content": "Your refund is on its way.\n"})
    body = {"path": "letters/2026/refund.txt", "content": "Your refund of 42.00 EUR is on its way.\n"}
    given = {"arguments": json.dumps(body).encode(), "comment": WHY_EDITED}
    return editing.edit(call.pk, actor=steps.fresh(world.ava), seen=steps.shown(call), **given)


def _glass(world: World) -> ToolCall:
    gina = make_user("gina", "break-glass", first_name="Gina", last_name="Moreau")
    call = steps.ask(world, "files.delete", {"path": "a.txt"})
    why = "The file holds a customer's password and is public. Nobody else is awake."
    return break_glass.break_glass(call.pk, actor=steps.fresh(gina), seen=steps.shown(call), reason=why)


def _halted(world: World, operator: User) -> ToolCall:
    call = steps.ask(world, "files.list", {"path": "notes"})
    tool = Tool.objects.get(name="files.list")
    halts.set_halt(actor=steps.fresh(operator), tool=tool, reason="A list came back with names that nobody knows.")
    return call
