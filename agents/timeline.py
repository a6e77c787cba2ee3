"""The story of a run: its turns, what became of each call, and every event of the trail."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Prefetch, QuerySet

from agents.models import Agent, AgentRun, Decision, ToolCall, Turn
from audit.events import Event
from audit.models import AuditEvent

MOST_EVENTS = 500
_SYMBOLS = {
    "approved": "check", "succeeded": "check", "completed": "check", "enabled": "check", "vote": "check",
    "preauthorized": "key", "used": "key", "rejected": "cross", "failed": "cross", "denied": "stop",
    "cancelled": "stop", "lost": "warn", "late_result": "warn", "refused": "warn", "pending": "clock",
    "expired": "clock", "waiting": "clock", "break_glass": "warn", "reviewed": "check", "reminded": "clock",
    "escalated": "clock", "stop_asked": "stop", "discarded": "warn",
}  # fmt: skip
_WORDS = {
    Event.RUN_CREATED: "Run created",
    Event.RUN_RESUMED: "Run went on",
    Event.RUN_WAITING: "Run waits",
    Event.RUN_COMPLETED: "Run completed",
    Event.RUN_FAILED: "Run failed",
    Event.RUN_CANCELLED: "Run cancelled",
    Event.TURN_RECORDED: "Reply of the planner recorded",
    Event.TURN_FAILED: "The planner had no reply",
    Event.TURN_DISCARDED: "A reply of the planner came too late and was thrown away",
    Event.TOOL_CALL_DENIED: "Denied by policy",
    Event.TOOL_CALL_PENDING: "Put before people",
    Event.TOOL_CALL_PREAUTHORIZED: "Allowed by a pre-authorisation",
    Event.TOOL_CALL_VOTE: "A vote was counted",
    Event.TOOL_CALL_BREAK_GLASS: "The glass was broken",
    Event.BREAK_GLASS_REVIEWED: "The breaking of the glass was reviewed",
    Event.TOOL_CALL_EDITED: "Arguments edited by a person; a new round asks again",
    Event.TOOL_CALL_REMINDED: "People reminded",
    Event.TOOL_CALL_ESCALATED: "Escalated; further groups are asked",
    Event.TOOL_CALL_REOPENED: "Reopened; the agent may ask for it again",
    Event.TOOL_CALL_APPROVED: "Approved; handed to the executor",
    Event.TOOL_CALL_REJECTED: "Rejected by a person",
    Event.TOOL_CALL_EXPIRED: "Expired; nobody decided in time",
    Event.TOOL_CALL_CANCELLED: "Cancelled",
    Event.TOOL_CALL_SUPERSEDED: "Superseded; a new round asks again",
    Event.TOOL_CALL_EXECUTING: "Claimed; the tool started",
    Event.TOOL_CALL_STOP_ASKED: "A person asked to stop the tool",
    Event.TOOL_CALL_RETRIED: "The tool asked to be run again",
    Event.TOOL_CALL_SUCCEEDED: "The tool finished",
    Event.TOOL_CALL_FAILED: "The tool failed",
    Event.TOOL_CALL_LOST: "Lost; how it ended is not known",
    Event.TOOL_CALL_SETTLED: "Settled by a person",
    Event.TOOL_CALL_PREVIEWED: "Preview made",
    Event.TOOL_CALL_LATE_RESULT: "A result came too late to count",
    Event.TOOL_CALL_DOSSIER: "The dossier was handed out",
    Event.SWEEP_FAILED: "M1 could not move it on by itself; the operator's log says where",
    Event.NOTIFICATION_FAILED: "A notification could not be sent, and was given up",
    Event.NOTIFICATION_RETRIED: "A notification is sent again",
}


@dataclass(frozen=True)
class Happening:
    """One event of the trail, in words."""

    at: datetime
    action: str
    words: str
    symbol: str
    who: str


def happenings(subjects: Collection[str]) -> list[Happening]:
    """Return what happened to these subjects, oldest first, at most MOST_EVENTS."""
    found = AuditEvent.objects.filter(subject__in=subjects).only("id", "created_at", "action", "actor")
    rows = list(found.order_by("created_at", "id")[:MOST_EVENTS])
    who = names({row.actor for row in rows})
    return [
        Happening(row.created_at, row.action, _words(row.action), _symbol(row.action), who[row.actor]) for row in rows
    ]


def of_run(run: AgentRun, calls: Iterable[ToolCall]) -> list[Happening]:
    """Return the events of a run and of these calls."""
    return happenings([f"run:{run.pk}", *(f"tool_call:{call.pk}" for call in calls)])


def turns_of(run: AgentRun) -> QuerySet[Turn]:
    """Return the turns with all that their page shows of each call, in a fixed number of queries."""
    decisions = Decision.objects.select_related("token", "on_behalf_of", "review").order_by("created_at")
    calls = ToolCall.objects.select_related("check_row__policy_version", "tool_version", "run__agent", "execution")
    calls = calls.prefetch_related(Prefetch("decisions", decisions), "requirements__groups").order_by("position")
    return run.turns.defer("request", "reply").prefetch_related(Prefetch("tool_calls", calls)).order_by("number")


def _words(action: str) -> str:
    return next(
        (words for event, words in _WORDS.items() if event == action), action.replace(".", " ").replace("_", " ")
    )


def _symbol(action: str) -> str:
    return _SYMBOLS.get(action.rpartition(".")[2], "dot")


def names(actors: Collection[str]) -> dict[str, str]:
    """Return how people call the actors; an account that is gone keeps its identifier."""
    ids = {
        kind: [UUID(actor[len(kind) + 1 :]) for actor in actors if actor.startswith(f"{kind}:")]
        for kind in ("user", "agent")
    }
    found = {actor: actor.replace("system:", "M1, ") for actor in actors}
    people = get_user_model().objects.filter(pk__in=ids["user"])
    found.update((f"user:{person.pk}", person.get_full_name() or person.get_username()) for person in people)
    found.update(
        (f"agent:{agent.pk}", f"agent {agent.name}") for agent in Agent.objects.filter(pk__in=ids["agent"]).only("name")
    )
    return found
