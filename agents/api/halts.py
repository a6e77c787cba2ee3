"""Halts: what is stopped, by whom and why; to set one and to lift it."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import halts
from agents.api import answers, bodies
from agents.errors import InvalidFieldError
from agents.models import Agent, Halt
from audit.rest import caller
from policy.models import Tool

_Named = TypeVar("_Named", Agent, Tool)


class Halts(ListAPIView[Halt]):
    """The halts in force, or all that there ever were, newest first."""

    serializer_class = answers.HaltShape

    def get_queryset(self) -> QuerySet[Halt]:
        """Return those that nobody has lifted, or all."""
        if bodies.StateQuery.read_query(self.request):
            return Halt.objects.select_related("agent", "tool", "person")
        return halts.in_force()

    @extend_schema(parameters=[bodies.StateQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List halts."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=bodies.NewHalt, responses={201: answers.HaltShape})
    def post(self, request: Request) -> Response:
        """Stop everything, an agent or a tool, at the next claim."""
        body = bodies.NewHalt.read(request)
        agent, tool = _named(Agent, body, "agent"), _named(Tool, body, "tool")
        halt = halts.set_halt(actor=caller(request), reason=body["reason"], agent=agent, tool=tool)
        return Response(answers.HaltShape(halt).data, status=201)


class OneHalt(APIView):
    """One halt."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, halt_id: UUID) -> Response:
        """Lift the halt."""
        halts.lift(halt_id, actor=caller(request))
        return Response(status=204)


def _named(model: type[_Named], body: dict[str, str], field: str) -> _Named | None:
    found = model._default_manager.filter(name=body[field]).first() if field in body else None
    if field in body and found is None:
        raise InvalidFieldError(field=field, problem=f"names no {field}")
    return found
