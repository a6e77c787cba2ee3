"""REST for who stands in for whom."""

from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.api import answers, bodies
from agents.approval import delegations
from agents.errors import InvalidFieldError
from agents.models import Delegation
from audit import clock
from audit.rest import caller


class Delegations(ListAPIView[Delegation]):
    """Your stand-ins and whom you stand in for, or, for who may see them, everybody's; newest first."""

    serializer_class = answers.DelegationShape

    def get_queryset(self) -> QuerySet[Delegation]:
        """Return those that are not over, or all."""
        asked, user = bodies.StateQuery.read_query(self.request), caller(self.request)
        found = Delegation.objects.select_related("person", "delegate", "ended_by")
        if not user.has_perm("agents.view_delegation"):
            found = found.filter(Q(person_id=user.pk) | Q(delegate_id=user.pk))
        return found if asked else found.filter(ended_at=None, ends_at__gt=clock.now())

    @extend_schema(parameters=[bodies.StateQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List delegations."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=bodies.NewDelegation, responses={201: answers.DelegationShape})
    def post(self, request: Request) -> Response:
        """Say who decides in your place while you are away."""
        body = bodies.NewDelegation.read(request)
        delegate = get_user_model().objects.filter(username=body["delegate"], is_active=True).first()
        if delegate is None:
            raise InvalidFieldError(field="delegate", problem="must be an active person")
        starts_at = body.get("starts_at") or clock.now()
        row = delegations.delegate(
            person=caller(request), delegate=delegate, starts_at=starts_at, ends_at=body["ends_at"],
            reason=body["reason"],
        )  # fmt: skip
        return Response(answers.DelegationShape(row).data, status=201)


class OneDelegation(APIView):
    """One delegation."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, delegation_id: UUID) -> Response:
        """End it at once; what was decided under it and has not run counts no more."""
        delegations.end(delegation_id, actor=caller(request))
        return Response(status=204)
