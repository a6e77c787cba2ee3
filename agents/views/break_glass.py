"""Broken glass that waits for the eyes of a second person, for the top of the inbox."""

from django.db.models import Exists, OuterRef, Q

from agents import principals
from agents.approval import break_glass
from agents.models import Decision, RequirementGroup, ToolCall
from agents.views.door import Request
from agents.visibility import group_names

MOST = 20


def to_review(request: Request) -> list[Decision]:
    """Return the oldest unreviewed break-glass decisions that the person may review, in a fixed number of queries."""
    user = request.user
    if not principals.is_person(user):
        return []
    broken = break_glass.unreviewed(user)
    if broken.query.is_empty():
        return []
    rows = broken.select_related("call__run__agent").defer("call__preview", "call__run__config")
    if not group_names(user) & break_glass.REVIEWERS:
        rows = rows.filter(_asked(request))
    return list(rows.exclude(_own(request))[:MOST])


def _asked(request: Request) -> Exists:
    asked = RequirementGroup.objects.filter(requirement__call=OuterRef("call"), name__in=group_names(request.user))
    return Exists(asked.filter(requirement__round=OuterRef("call__round")))


def _own(request: Request) -> Q:
    """Return the condition that the person made the decision, or asked for the call."""
    mine = Q(person_id=request.user.pk) | Q(call__in=ToolCall.objects.filter(principals.own_calls(request.user)))
    if "@" in (address := principals.identity(request.user)):
        mine |= Q(person__email__iexact=address)
    return mine
