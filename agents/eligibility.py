"""Who may decide a call: never its requester, its agent's owner or a service account; and whom it waits for."""

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from agents.models import Decision, RequirementGroup, ToolCall, ToolCallRevision
from agents.states import Status
from agents.visibility import User, group_names
from audit import clock


def why_not(call: ToolCall, user: User) -> str:
    """Return "" if the person may decide this call now, else the sentence that says why not."""
    if not _is_person(user):
        return "Only people decide; service accounts never do."
    if call.status != Status.PENDING:
        return f"The call is {call.get_status_display().lower()}; there is nothing to decide."
    if call.decisions.filter(round=call.round, person_id=user.pk).exists():
        return "You have decided already."
    return standing(call, user)


def standing(call: ToolCall, user: User) -> str:
    """Return "" if the person counts for this call, at the decision and still at the claim, else why not."""
    if not _is_person(user):
        return "Only active people count."
    if is_own(call, user) and not call.allow_self:
        return "This is your own request: you asked for it, or the agent is yours."
    if call.revisions.filter(number=call.revision, author_id=user.pk).exists():
        return "You wrote these arguments; someone else must decide."
    if not group_names(user) & asked_groups(call):
        return f"Members of {' or '.join(sorted(asked_groups(call)))} decide this."
    return ""


def is_own(call: ToolCall, user: User) -> bool:
    """Tell whether the person stands behind the call: as requester, as the agent's owner, or as its account."""
    agent = call.run.agent
    return user.pk in (call.run.requester_id, agent.owner_id, agent.service_account_id)


def asked_groups(call: ToolCall) -> frozenset[str]:
    """Return the groups that the current round asks."""
    groups = RequirementGroup.objects.filter(requirement__call=call, requirement__round=call.round)
    return frozenset(groups.values_list("name", flat=True))


def waiting_for(user: User) -> QuerySet[ToolCall]:
    """Return the pending calls that the person may decide now."""
    if not _is_person(user):
        return ToolCall.objects.none()
    asked = RequirementGroup.objects.filter(
        requirement__call=OuterRef("pk"), requirement__round=OuterRef("round"), name__in=group_names(user)
    )
    decided = Decision.objects.filter(call=OuterRef("pk"), round=OuterRef("round"), person_id=user.pk)
    written = ToolCallRevision.objects.filter(call=OuterRef("pk"), number=OuterRef("revision"), author_id=user.pk)
    own = Q(run__requester_id=user.pk) | Q(run__agent__owner_id=user.pk)
    calls = ToolCall.objects.filter(Exists(asked), ~Exists(decided), ~Exists(written), status=Status.PENDING)
    return calls.filter(Q(allow_self=True) | ~own, expires_at__gt=clock.now()).order_by(F("expires_at"))


def _is_person(user: User) -> bool:
    return bool(user.is_authenticated and user.is_active and getattr(user, "is_person", False))
