"""The one function that records a decision. Browser, admin, terminal, REST and pre-authorisation all end here."""

from datetime import timedelta

from django.contrib.auth.models import AbstractUser

from agents import principals
from agents.actors import actor_of
from agents.approval import attention, break_glass_group, eligibility
from agents.approval.eligibility import Seat
from agents.approval.seen import Seen
from agents.errors import InvalidFieldError, NotEligibleError, StaleDecisionError, StepUpRequiredError
from agents.models import Decision, ToolCall
from agents.states import Status
from audit import clock, rows, trail
from policy.models import ApprovalToken

MAX_COMMENT = 4_000
MAX_NAME = 300
Kind, Surface = Decision.Kind, Decision.Surface


def record(
    call: ToolCall,
    person: AbstractUser,
    *,
    answer: str,
    seen: Seen,
    comment: str = "",
    kind: str = Kind.VOTE,
    token: ApprovalToken | None = None,
) -> Decision:
    """Write down what a person answers to a call, whose row the caller's transaction has locked.

    token   the pre-authorisation, for an answer given ahead of time
    Raises StaleDecisionError for what is not the call that was shown, NotEligibleError, StepUpRequiredError,
    InvalidFieldError; then nothing is recorded.
    """
    if len(comment) > MAX_COMMENT or "\0" in comment:
        raise InvalidFieldError(field="comment", problem=f"must be a text of at most {MAX_COMMENT:,} characters")
    refuse_stale(call, person, seen)
    seat = _seat(call, person, kind)
    refuse_old_sign_in(call, seen)
    away = seat.on_behalf_of
    is_own = principals.is_own(call, person) or (away is not None and principals.is_own(call, away))
    row = Decision(
        call=call, round=call.round, person_id=person.pk, person_name=name_of(person), answer=answer, kind=kind,
        token=token, surface=_surface(seen, kind), comment=comment, digest_seen=call.arguments_digest,
        is_self_approval=is_own, on_behalf_of_id=away.pk if away else None, created_at=clock.now(),
        **attention.of(seen),
    )  # fmt: skip
    rows.insert(row)
    trail.append(
        "tool_call.vote", actor=actor_of(person), subject=f"tool_call:{call.pk}", answer=answer, kind=kind,
        round=call.round, digest_seen=row.digest_seen, surface=row.surface, is_self_approval=is_own,
        on_behalf_of=row.on_behalf_of_id, token=token.jti if token else None, **attention.told(row),
    )  # fmt: skip
    return row


def refuse_stale(call: ToolCall, person: AbstractUser, seen: Seen) -> None:
    """Raise StaleDecisionError unless the call is pending and the one that was on the screen."""
    if call.status != Status.PENDING:
        raise StaleDecisionError(why=f"the call is {call.status} by now.{_who_was_faster(call, person)}")
    if (call.arguments_digest, call.round) != (seen.digest, seen.round):
        raise StaleDecisionError(why="the call is not the one that was shown any more; look at it again.")
    if eligibility.is_late(call):
        raise StaleDecisionError(why="the time to decide has run out.")


def refuse_old_sign_in(call: ToolCall, seen: Seen) -> None:
    """Raise StepUpRequiredError unless a second factor is as recent as the rule wants it, whatever the surface."""
    if call.sign_in_minutes is None:
        return
    oldest = clock.now() - timedelta(minutes=call.sign_in_minutes)
    proved_at = seen.sign_in.second_factor_at if seen.sign_in else None
    if proved_at is None or proved_at < oldest:
        raise StepUpRequiredError(minutes=call.sign_in_minutes)


def name_of(person: AbstractUser) -> str:
    """Return a person's name as decisions keep it."""
    full, username = person.get_full_name(), person.get_username()
    return (f"{full} ({username})" if full else username)[:MAX_NAME]


def _seat(call: ToolCall, person: AbstractUser, kind: str) -> Seat:
    if kind == Kind.BREAK_GLASS:
        found: Seat | str = break_glass_group.why_not(call, person) or Seat()
    else:
        found = eligibility.seat(call, person)
    if isinstance(found, str):
        raise NotEligibleError(why=found)
    if kind == Kind.PREAUTHORIZATION and found.on_behalf_of is not None:
        raise NotEligibleError(why="Nobody says yes ahead of time in another's place.")
    return found


def _who_was_faster(call: ToolCall, person: AbstractUser) -> str:
    last = call.decisions.filter(round=call.round).order_by("-created_at").first()
    if last is None or call.status in (Status.EXPIRED, Status.CANCELLED, Status.DENIED):
        return ""
    verb = "approved" if last.answer == Decision.Answer.APPROVE else "rejected"
    return f" You {verb} it." if last.person_id == person.pk else f" {last.person_name} was faster and {verb} it."


def _surface(seen: Seen, kind: str) -> str:
    """Return the surface; a planner's is that of answers given ahead of time, and of no other."""
    known = [word for word in Surface.values if (word == Surface.PLANNER) == (kind == Kind.PREAUTHORIZATION)]
    if seen.surface not in known:
        raise InvalidFieldError(field="surface", problem=f"must be one of {', '.join(known)}")
    return seen.surface
