"""The states of runs and tool calls, and the moves between them. Constraints in the database restate the words."""

from django.db import models


class RunStatus(models.TextChoices):
    PLANNING = "planning"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WaitingFor(models.TextChoices):
    CALLS = "calls"
    BUDGET = "budget"
    EXTERNAL = "external"


class EndReason(models.TextChoices):
    ANSWERED = "answered"
    REFUSED = "refused"
    BUDGET = "budget"
    TURN_LIMIT = "turn_limit"
    MODEL_ERROR = "model_error"
    CANCELLED = "cancelled"


class Status(models.TextChoices):
    """Of a tool call. `proposed` never rests: it ends in the transaction that began it."""

    PROPOSED = "proposed"
    DENIED = "denied"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"


RUN_TERMINAL = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
TERMINAL = frozenset(
    {Status.DENIED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED, Status.SUCCEEDED, Status.FAILED}
)
MOVES: dict[Status, frozenset[Status]] = {
    Status.PROPOSED: frozenset({Status.DENIED, Status.APPROVED, Status.PENDING}),
    Status.PENDING: frozenset({Status.REJECTED, Status.DENIED, Status.EXPIRED, Status.CANCELLED, Status.APPROVED}),
    Status.APPROVED: frozenset(
        {Status.PENDING, Status.DENIED, Status.EXPIRED, Status.CANCELLED, Status.EXECUTING, Status.FAILED}
    ),
    Status.EXECUTING: frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.LOST}),
    Status.LOST: frozenset({Status.SUCCEEDED, Status.FAILED}),
}
