"""What a person rejected stays rejected: the run's agent is not asked about it again until a person reopens it."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import F

from agents import runs
from agents.actors import actor_of
from agents.approval import eligibility
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError, WrongStateError
from agents.models import Block, ToolCall
from agents.states import Status
from agents.visibility import User, calls_visible_to
from audit import clock, trail

CODE = "rejected_before"
MAX_REASON = 4_000


def begin(call: ToolCall) -> None:
    """Block what a call asked for in its run, edited or not, within the transaction that rejects it."""
    for digest in sorted(set(call.revisions.values_list("digest", flat=True))):
        facts = {"call": call, "created_at": clock.now()}
        Block.objects.get_or_create(
            run_id=call.run_id, tool_name=call.tool_name, arguments_digest=digest, reopened_at=None, defaults=facts
        )


def answer(run_id: UUID, tool_name: str, digest: str) -> str:
    """Return what a person said to the same call in this run, and count the repeat; "" where nobody rejected it.

    The caller's transaction has locked the run.
    """
    rows = Block.objects.filter(run_id=run_id, tool_name=tool_name, arguments_digest=digest, reopened_at=None)
    block = rows.select_related("call").first()
    if block is None:
        return ""
    rows.update(repeats=F("repeats") + 1)
    return (
        f"A person rejected exactly this call in this run: {block.call.note} "
        "It is not put before people again; ask for something else, or stop."
    )


@transaction.atomic(durable=True)
def reopen(request_id: UUID, *, actor: AbstractUser, reason: str) -> None:
    """Let the agent ask again for what was rejected. Raises NotFoundError, NotEligibleError, WrongStateError."""
    if not reason.strip() or len(reason) > MAX_REASON or "\0" in reason:
        raise InvalidFieldError(field="reason", problem="must say why")
    call = calls_visible_to(actor).filter(pk=request_id).select_related("run__agent").first()
    if call is None:
        raise NotFoundError(thing="tool call")
    runs.lock(call.run_id)
    if why := may_reopen(call, actor):
        raise NotEligibleError(why=why)
    asked = {"run_id": call.run_id, "tool_name": call.tool_name}  # another call may have been rejected for the same
    digests = call.revisions.values("digest")
    blocked = Block.objects.filter(**asked, arguments_digest__in=digests, reopened_at=None)
    if not blocked.update(reopened_at=clock.now(), reopened_by_id=actor.pk):
        raise WrongStateError(why="nothing that this call asked for is blocked.")
    trail.append("tool_call.reopened", actor=actor_of(actor), subject=f"tool_call:{call.pk}", reason=reason.strip())


def may_reopen(call: ToolCall, user: User) -> str:
    """Return "" if the person may reopen a rejected call: whoever could decide it; else why not."""
    if call.status != Status.REJECTED:
        return f"The call is {call.get_status_display().lower()}, not rejected."
    found = eligibility.vacancy(call, user)
    return found if isinstance(found, str) else ""
