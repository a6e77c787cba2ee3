"""Tool calls: the list, and one with all that a decision needs."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import visibility
from agents.api import bodies, call_rows
from agents.api.call_answers import CallDetail, ListedCall
from agents.approval import break_glass, eligibility
from agents.dossier import making
from agents.models import ToolCall
from audit.once import for_this_page
from audit.rest import caller


class ToolCalls(ListAPIView[ToolCall]):
    """The tool calls that you may see, newest first."""

    serializer_class = ListedCall
    places: Mapping[UUID, str] = {}

    def get_queryset(self) -> QuerySet[ToolCall]:
        """Return what the query asks for."""
        wanted = bodies.CallQuery.read_query(self.request)
        user = caller(self.request)
        found = visibility.calls_visible_to(user)
        if wanted.pop("waiting_for_me", ""):
            found = eligibility.waiting_for(user)
        if wanted.pop("needs_review", ""):
            found = found.filter(pk__in=break_glass.unreviewed(user).order_by().values("call"))
        return call_rows.listed(found.filter(**wanted))

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        """Return the page, after asking once in whose place its calls wait for the caller."""
        page = super().paginate_queryset(queryset)
        if "waitingForMe" in self.request.query_params:
            self.places = call_rows.places(caller(self.request), page or ())
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        """Return what the rows are told by."""
        return {**super().get_serializer_context(), "places": self.places}

    @extend_schema(parameters=[bodies.CallQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List tool calls."""
        with for_this_page():
            return super().get(request, *args, **kwargs)


class OneCall(APIView):
    """One tool call."""

    @extend_schema(responses=CallDetail)
    def get(self, request: Request, request_id: UUID) -> Response:
        """Return the call with everything that a decision needs."""
        return call_rows.told(request, request_id)


class Dossier(APIView):
    """All that is on record about one tool call, from the goal to the effect."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, request_id: UUID) -> Response:
        """Return the dossier; its digest goes on the trail, so that a copy can be told from a forgery."""
        return Response(making.make(request_id, actor=caller(request)))
