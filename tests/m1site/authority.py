"""Who is there in tests of approval authority over REST, and the bodies they send."""

from agents.models import ToolCall
from m1site.accounts.models import User
from tests.agents import steps
from tests.factories import groups_named
from tests.m1site.conftest import Site, decision
from tests.m1site.rest import Rest
from tests.world import person

NEW = {"path": "b.txt", "content": "new\n"}
REASON = "The shop is down and nobody is awake."


def everybody(site: Site) -> dict[str, Rest]:
    """Return everybody who may come, by the part they play; `root` may do anything in Django's eyes."""
    site.world.author.groups.set(groups_named("approver"))  # owns the external agent
    roles = {"gus": "break-glass", "omar": "operator", "audrey": "auditor", "adam": "administrator"}
    found = {name: person(name, role) for name, role in roles.items()}
    found |= {"riley": site.world.riley, "ava": site.world.ava, "sam": site.world.sam, "owner": site.world.author}
    found["root"] = User.objects.create_superuser("root")
    site.robot.groups.set(groups_named("approver", "break-glass"))
    return {name: Rest(user) for name, user in found.items()} | {
        "robot": Rest(site.robot), "stranger": Rest(site.stranger), "nobody": Rest(),
        "reader": Rest(site.world.ava, scopes=("read", "propose", "operate", "policy")),
    }  # fmt: skip


def edited(call: ToolCall, **more: object) -> dict[str, object]:
    return decision(call, arguments=NEW, comment="The other file.", **more)


def rejected(site: Site) -> ToolCall:
    call = site.pending()
    return steps.reject(call, site.world.sam, "Not that file.")


def broken(site: Site, people: dict[str, Rest]) -> ToolCall:
    call = site.pending()
    assert people["gus"].post(f"tool-calls/{call.pk}/break-glass", decision(call, reason=REASON)).status_code == 200
    return ToolCall.objects.get(pk=call.pk)
