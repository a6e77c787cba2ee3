"""Which groups more hangs on than their members: roles, and those that rules in force or open calls name."""

from collections.abc import Iterator

from django.contrib.auth.models import Group

from agents.models import RequirementGroup, ToolCall
from agents.states import Status
from audit import canonical
from audit.canonical import JSON, Limits
from m1site.accounts.roles import ROLES
from policy import versions

OPEN = (Status.PENDING, Status.APPROVED)
ASKED, MATCHED = "groups", "requester_groups"  # as rules name them


def deciding() -> frozenset[str]:
    """Return the groups that are for people only: roles that decide or judge, and whom rules or open calls ask."""
    roles = {name for name, role in ROLES.items() if role.people_only}
    return frozenset(roles | _in_rules(ASKED) | _in_calls())


def why_kept(group: Group) -> str:
    """Return why a group keeps its name and cannot be deleted, or ""."""
    if group.name in ROLES:
        return "M1 comes with this role."
    if group.name in _in_rules(ASKED, MATCHED):
        return "A rule of the policy in force names it."
    if group.name in _in_calls():
        return "A tool call that is not over yet asks its members."
    return ""


def why_not_renamed(group: Group) -> str:
    """Return why a group keeps its name, or "": whoever is in it would be let into what the new name stands for."""
    return why_kept(group) or ("It has members." if group.user_set.exists() else "")


def _in_calls() -> set[str]:
    asked = RequirementGroup.objects.filter(requirement__call__status__in=OPEN).values_list("name", flat=True)
    later = ToolCall.objects.filter(status__in=OPEN).exclude(escalation_groups=[])
    names = [name for row in later.values_list("escalation_groups", flat=True) for name in row]
    return {*asked.distinct(), *names}


def _in_rules(*keys: str) -> set[str]:
    version = versions.active()
    if version is None:
        return set()
    written = version.canonical.encode()  # M1's own bytes, of whatever size
    document = canonical.parse(written, limits=Limits(bytes=len(written), keys=len(written)))
    return set(_named(document["rules"], keys)) if isinstance(document, dict) else set()


def _named(value: JSON, keys: tuple[str, ...]) -> Iterator[str]:
    """Yield the texts listed under any of the keys, wherever they stand: who is asked, and who is asked later."""
    if isinstance(value, list):
        for one in value:
            yield from _named(one, keys)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in keys and isinstance(one, list):
                yield from (name for name in one if isinstance(name, str))
            else:
                yield from _named(one, keys)
