"""Tool calls: the list, one with all that a decision needs, and the decisions."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import eligibility, tool_calls, visibility
from agents.api import answers, bodies
from agents.errors import NotFoundError
from agents.models import Decision, ToolCall
from audit.rest import caller


class ToolCalls(ListAPIView[ToolCall]):
    """The tool calls that you may see, newest first."""

    serializer_class = answers.CallSummary

    def get_queryset(self) -> QuerySet[ToolCall]:
        """Return what the query asks for."""
        wanted = bodies.CallQuery.read_query(self.request)
        found = visibility.calls_visible_to(caller(self.request))
        if wanted.pop("waiting_for_me", ""):
            found = eligibility.waiting_for(caller(self.request))
        return found.filter(**wanted).select_related("run__agent", "run__requester").defer("preview")

    @extend_schema(parameters=[bodies.CallQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List tool calls."""
        return super().get(request, *args, **kwargs)


class OneCall(APIView):
    """One tool call."""

    @extend_schema(responses=answers.CallDetail)
    def get(self, request: Request, request_id: UUID) -> Response:
        """Return the call with everything that a decision needs."""
        return _told(request, request_id)


class Approve(APIView):
    """A person's yes."""

    @extend_schema(request=bodies.Yes, responses=answers.CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Approve what you saw; 409 if the call is not that any more."""
        _visible(request, request_id)
        body = bodies.Yes.read(request)
        tool_calls.approve(request_id, actor=caller(request), comment=body["comment"], **_seen(request, body))
        return _told(request, request_id)


class Reject(APIView):
    """A person's no."""

    @extend_schema(request=bodies.No, responses=answers.CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Reject what you saw, and say why; the agent reads it."""
        _visible(request, request_id)
        body = bodies.No.read(request)
        said = {"comment": body["comment"], "stop_run": body["stop_run"]}
        tool_calls.reject(request_id, actor=caller(request), **said, **_seen(request, body))
        return _told(request, request_id)


class Settle(APIView):
    """How a lost call ended."""

    @extend_schema(request=bodies.Settlement, responses=answers.CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Say how a lost call ended; the run goes on."""
        _visible(request, request_id)
        tool_calls.settle(request_id, actor=caller(request), **bodies.Settlement.read(request))
        return _told(request, request_id)


def _seen(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """Return what was seen, and where: the command line says so itself, with its key."""
    surface = Decision.Surface.CLI if request.headers.get("M1-Surface") == "cli" else Decision.Surface.API
    return {"digest_seen": body["arguments_digest"], "round_seen": body["round"], "surface": surface}


def _visible(request: Request, request_id: UUID) -> ToolCall:
    rows = visibility.calls_visible_to(caller(request)).select_related(
        "run__agent", "run__requester", "tool_version__tool", "check_row__policy_version", "execution"
    )
    call = rows.prefetch_related("requirements__groups", "decisions", "revisions").filter(pk=request_id).first()
    if call is None:
        raise NotFoundError(thing="tool call")
    return call


def _told(request: Request, request_id: UUID) -> Response:
    return Response(answers.CallDetail(_visible(request, request_id), context={"request": request}).data)
