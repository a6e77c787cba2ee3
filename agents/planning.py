"""One turn, from the message to the record: the model is asked outside any transaction, and what came is put down.

The reply has been paid for: while the database is away the worker keeps it, and a reply that cannot be stored is not
asked for again.
"""

import logging
import traceback
from collections.abc import Callable
from functools import partial
from uuid import UUID

from agents import orchestrator, queue, setbacks, workers
from agents.patience import AWAY, patiently
from agents.planners import line
from agents.planners.base import Conversation, Planner, PlannerError, Reply
from agents.planners.line import Line
from agents.queue import Taken

logger = logging.getLogger(__name__)


def turn(run_id: UUID, *, worker: str, planner_of: Callable[[str], Planner]) -> None:
    """Take one turn of a run, unless somebody else does.

    planner_of   returns the planner of a kind: `claude`, `scripted`
    """
    conversation = _take(run_id, worker)
    if conversation is None:
        return
    with line.held() as held, workers.Heartbeat(partial(_keep, run_id, worker, held)):
        came = _ask(conversation, planner_of)
        try:
            patiently(partial(_put_down, run_id, came, worker))
        except AWAY:
            raise
        except Exception as error:
            if isinstance(came, PlannerError):
                raise
            patiently(partial(_put_down, run_id, _not_stored(came, error), worker))


def _take(run_id: UUID, worker: str) -> Conversation | None:
    """Take the run up, and then the turn; whoever dies in between has left a mark, and too many marks park the run.

    A message that comes before the run's next try is due, or while another planner is at this very line, ends here.
    """
    taken = patiently(partial(queue.take_up, queue.PLAN, run_id))
    if taken is Taken.TOO_OFTEN:
        setbacks.park(run_id)
    if taken is not Taken.YES:
        return None
    conversation = patiently(partial(orchestrator.take, run_id, worker=worker))
    patiently(partial(queue.release, queue.PLAN, run_id))
    return conversation


def _keep(run_id: UUID, worker: str, held: Line) -> None:
    """Renew the lease. A run that has ended, or is another planner's, waits for no answer: then neither do we."""
    if not orchestrator.keep(run_id, worker=worker):
        held.cut()


def _ask(conversation: Conversation, planner_of: Callable[[str], Planner]) -> Reply | PlannerError:
    try:
        return planner_of(conversation.config.planner).next_turn(conversation)
    except PlannerError as error:
        return error
    except Exception as error:
        return PlannerError(problem=f"M1's planner broke off with {_told(error)}; its log says where.")


def _put_down(run_id: UUID, came: Reply | PlannerError, worker: str) -> None:
    if isinstance(came, PlannerError):
        setbacks.give_up(run_id, came, worker=worker)
    else:
        orchestrator.record(run_id, came, worker=worker)


def _not_stored(reply: Reply, error: Exception) -> PlannerError:
    return PlannerError(
        problem=f"a reply came, and M1 could not store it ({_told(error)}); the planner's log says where.",
        provider_request_id=reply.provider_request_id, usage=reply.usage, cost=reply.cost,
    )  # fmt: skip


def _told(error: Exception) -> str:
    """Return the kind of an error. The log is told where it came from, not its text, which may quote the model."""
    places = traceback.extract_tb(error.__traceback__)
    logger.error("%s in planning at %s", type(error).__name__, ", ".join(f"{at.filename}:{at.lineno}" for at in places))
    return type(error).__name__
