"""Breaking the glass: one person of a named group stands in for all that a rule asks, and is looked at afterwards."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from agents import notify, passing, principals, tool_versions
from agents.actors import actor_of
from agents.approval import decisions, eligibility
from agents.approval.seen import Seen
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError, ToolNotEnabledError, WrongStateError
from agents.models import Decision, DecisionReview, ToolCall
from agents.visibility import calls_visible_to, group_names
from audit import clock, trail

LEAST_REASON = 10
REVIEWERS = frozenset({"auditor", "administrator"})


def break_glass(request_id: UUID, *, actor: AbstractUser, seen: Seen, reason: str) -> ToolCall:
    """Approve a pending call alone, in place of everybody whom its rule asks, with a reason that stays on record.

    It stands above no denial: the claim still asks registry, schema, digests, policy and halts.
    Raises InvalidFieldError for a reason of fewer than LEAST_REASON characters, ToolNotEnabledError (the call is denied
    then), and what `decisions.record` raises.
    """
    with tool_versions.denial(request_id):
        return _break_glass(request_id, actor, seen, reason)


@transaction.atomic(durable=True)
def _break_glass(request_id: UUID, actor: AbstractUser, seen: Seen, reason: str) -> ToolCall:
    if len(reason.strip()) < LEAST_REASON:
        raise InvalidFieldError(field="reason", problem=f"must say why, in {LEAST_REASON} characters or more")
    call = passing.locked(request_id, actor)
    mine = call.decisions.filter(kind=Decision.Kind.BREAK_GLASS, person_id=actor.pk, round=call.round)
    if (seen.digest, seen.round) == (call.arguments_digest, call.round) and mine.exists():
        return call
    approve = Decision.Answer.APPROVE
    decisions.record(call, actor, answer=approve, seen=seen, comment=reason.strip(), kind=Decision.Kind.BREAK_GLASS)
    if not tool_versions.is_enabled(call):
        raise ToolNotEnabledError(tool=call.tool_name)
    trail.append(
        "tool_call.break_glass", actor=actor_of(actor), subject=f"tool_call:{call.pk}", reason=reason.strip(),
        round=call.round, arguments_digest=call.arguments_digest,
    )  # fmt: skip
    passing.passed(call, actor)
    notify.tell(notify.Kind.BROKEN_GLASS, call)
    return call


@transaction.atomic(durable=True)
def review(decision_id: UUID, *, actor: AbstractUser, note: str) -> DecisionReview:
    """Write down that a second person has looked at a break-glass decision, which is flagged until then.

    Raises NotFoundError, NotEligibleError, InvalidFieldError without a note, WrongStateError if somebody was faster.
    """
    row = Decision.objects.filter(pk=decision_id, kind=Decision.Kind.BREAK_GLASS).select_related("call", "person")
    decision = row.filter(call__in=calls_visible_to(actor)).first()
    if decision is None:
        raise NotFoundError(thing="break-glass decision")
    if why := why_not_review(decision, actor):
        raise NotEligibleError(why=why)
    if not note.strip() or len(note) > decisions.MAX_COMMENT or "\0" in note:
        raise InvalidFieldError(field="note", problem="must say what you found")
    try:
        with transaction.atomic():
            found = DecisionReview.objects.create(
                decision=decision, person_id=actor.pk, person_name=decisions.name_of(actor), note=note.strip(),
                created_at=clock.now(),
            )  # fmt: skip
    except IntegrityError as exc:
        raise WrongStateError(why="somebody has reviewed it already.") from exc
    trail.append(
        "break_glass.reviewed", actor=actor_of(actor), subject=f"tool_call:{decision.call_id}", decision=decision.pk,
        note=found.note,
    )  # fmt: skip
    return found


def unreviewed(user: AbstractUser) -> QuerySet[Decision]:
    """Return the break-glass decisions that the person may see and that nobody has reviewed, oldest first."""
    waiting = Decision.objects.filter(kind=Decision.Kind.BREAK_GLASS, review=None)
    keys = list(waiting.values_list("pk", flat=True))  # few: in one query with the rest, SQLite looks at every call
    if not keys:
        return Decision.objects.none()
    broken = Decision.objects.filter(pk__in=keys, call__in=calls_visible_to(user))
    return broken.select_related("call", "person").order_by("created_at")


def why_not_review(decision: Decision, user: AbstractUser) -> str:
    """Return "" if the person may review this decision, else why not."""
    call = decision.call
    if not principals.is_person(user):
        return "Only people review decisions."
    if principals.identity(user) == principals.identity(decision.person):
        return "You made this decision; a second person reviews it."
    if principals.is_own(call, user):
        return "This is your own request; somebody else reviews it."
    if not group_names(user) & (REVIEWERS | eligibility.asked_groups(call)):
        return "Auditors, administrators and those whom the rule asks review this."
    return ""
