"""Runs: start, list, read, cancel; and the two ways in of an agent of someone's own."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import proposals, runs, visibility
from agents.api import answers, bodies, call_rows
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError
from agents.models import Agent, AgentRun, ToolCall, Turn
from agents.proposals import ExternalCall
from audit import canonical
from audit.once import for_this_page
from audit.rest import caller, once, request_key


class Runs(ListAPIView[AgentRun]):
    """The runs that you may see, newest first."""

    serializer_class = answers.RunSummary

    def get_queryset(self) -> QuerySet[AgentRun]:
        """Return what the query asks for."""
        wanted = bodies.RunQuery.read_query(self.request)
        found = visibility.runs_visible_to(caller(self.request)).filter(**wanted)
        return found.select_related("agent", "requester").defer("config", "answer")

    @extend_schema(parameters=[bodies.RunQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List runs."""
        with for_this_page():
            return super().get(request, *args, **kwargs)

    @extend_schema(request=bodies.NewRun, responses={201: answers.RunDetail})
    def post(self, request: Request) -> Response:
        """Start a run."""
        body = bodies.NewRun.read(request)
        agent = Agent.objects.filter(name=body.pop("agent")).first()
        if agent is None:
            raise InvalidFieldError(field="agent", problem="names no agent")
        key = request_key(request)
        run = once(key, lambda: runs.create(agent=agent, requester=caller(request), request_key=key, **body))
        return _told(request, run.pk, status=201)


class Run(APIView):
    """One run."""

    @extend_schema(responses=answers.RunDetail)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Return the run with its turns, calls and outcomes."""
        return _told(request, run_id)


class Cancel(APIView):
    """The end of a run, by a person."""

    @extend_schema(request=bodies.Why, responses=answers.RunDetail)
    def post(self, request: Request, run_id: UUID) -> Response:
        """Cancel the run; what executes is asked to stop."""
        _visible(request, run_id)
        runs.cancel(run_id, actor=caller(request), reason=bodies.Why.read(request)["reason"])
        return _told(request, run_id)


class Proposals(APIView):
    """What an external agent asks for."""

    @extend_schema(request=bodies.NewTurn, responses={201: answers.RunDetail})
    def post(self, request: Request, run_id: UUID) -> Response:
        """Propose the calls of one turn; read what came of them from the run."""
        _own(request, run_id)
        body = bodies.NewTurn.read(request)
        calls = [ExternalCall(one["tool"], canonical.encode(one["arguments"]), one["reason"]) for one in body["calls"]]
        key = request_key(request)
        once(key, lambda: proposals.propose_external(run_id, calls=calls, text=body["text"], request_key=key))
        return _told(request, run_id, status=201)


class Finish(APIView):
    """The end of a run, by its external agent."""

    @extend_schema(request=bodies.LastWords, responses=answers.RunDetail)
    def post(self, request: Request, run_id: UUID) -> Response:
        """End the run with the agent's answer."""
        _own(request, run_id)
        runs.finish(run_id, actor=caller(request), answer=bodies.LastWords.read(request)["answer"])
        return _told(request, run_id)


def _visible(request: Request, run_id: UUID) -> AgentRun:
    found = visibility.runs_visible_to(caller(request)).select_related("agent", "requester").defer("config")
    run = found.filter(pk=run_id).first()
    if run is None:
        raise NotFoundError(thing="run")
    return run


def _own(request: Request, run_id: UUID) -> None:
    """Raise NotEligibleError for everyone but the service account of the run's agent."""
    if _visible(request, run_id).agent.service_account_id != caller(request).pk:
        raise NotEligibleError(why="Only the service account of the run's agent speaks for it.")


def _told(request: Request, run_id: UUID, status: int = 200) -> Response:
    with for_this_page():
        run = _visible(request, run_id)
        context = {"request": request, "turns": _turns(run)}
        return Response(answers.RunDetail(run, context=context).data, status=status)


def _turns(run: AgentRun) -> QuerySet[Turn]:
    """Return the turns with all that REST tells of their calls, in a fixed number of queries."""
    calls = ToolCall.objects.select_related("run__agent", "run__requester", "tool_version", "check_row", "execution")
    calls = calls.prefetch_related("revisions", "requirements__groups", call_rows.BROKEN_GLASS).order_by("position")
    return run.turns.defer("request", "reply").prefetch_related(Prefetch("tool_calls", calls)).order_by("number")
