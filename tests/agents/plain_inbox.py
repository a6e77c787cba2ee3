"""What waits for whom, asked plainly: each call by itself, by the rules that decide. The lists must say the same."""

from collections import Counter
from uuid import UUID

from agents.approval import eligibility
from agents.models import AgentRun, Delegation, RequirementGroup, ToolCall
from agents.visibility import SEE_ALL_GROUPS, group_names
from audit import clock
from m1site.accounts.models import User

RISKS = ["critical", "high", "medium", "low"]


def waiting_for(user: User) -> list[UUID]:
    """Return the calls that the person may decide, in the order of the inbox."""
    return _in_order([call for call in _pending() if not eligibility.why_not(call, user)])


def others_for(user: User) -> list[UUID]:
    """Return what else waits of what the person may see."""
    found = [call for call in _pending() if eligibility.why_not(call, user) and sees(user, call.run)]
    return _in_order(found)


def sees(user: User, run: AgentRun) -> bool:
    """Tell whether the person may see a run."""
    if not user.is_active:
        return False
    if user.is_superuser or group_names(user) & set(SEE_ALL_GROUPS):
        return True
    if user.pk in (run.requester_id, run.agent.owner_id, run.agent.service_account_id):
        return True
    now = clock.now()
    away = Delegation.objects.filter(
        delegate=user, starts_at__lte=now, ends_at__gt=now, ended_at=None, person__is_active=True
    )
    names = group_names(user).union(*(group_names(one.person) for one in away))
    return RequirementGroup.objects.filter(requirement__call__run=run, name__in=names).exists()


def groups_of(calls: list[UUID]) -> list[tuple[UUID, int]]:
    """Return the first of each group of calls that are exactly alike, with how many they are, in order."""
    rows = {call.pk: call for call in ToolCall.objects.filter(pk__in=calls).select_related("run")}
    keys = [(rows[pk].run.agent_id, rows[pk].tool_name, rows[pk].arguments_digest) for pk in calls]
    sizes = Counter(keys)
    firsts = {key: pk for key, pk in reversed(list(zip(keys, calls, strict=True)))}
    return [(firsts[key], sizes[key]) for key in dict.fromkeys(keys)]


def _pending() -> list[ToolCall]:
    return list(ToolCall.objects.filter(status="pending").select_related("run__agent"))


def _in_order(calls: list[ToolCall]) -> list[UUID]:
    def place(call: ToolCall) -> tuple[int, object, UUID]:
        return RISKS.index(call.risk), call.expires_at, call.pk

    return [call.pk for call in sorted(calls, key=place)]
