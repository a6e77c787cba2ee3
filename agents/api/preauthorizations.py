"""REST for yeses given ahead of time."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from agents import preauthorizations
from audit import clock
from audit.rest import Body, Text, Whole, caller, once, request_key
from policy import token_state
from policy.api.token_shapes import StateQuery, TokenShape
from policy.api.tokens import visible_to
from policy.models import ApprovalToken
from policy.tokens import MAX_DAYS, MAX_USES


class NewPreauthorization(Body):
    """A yes ahead of time."""

    agents = serializers.ListField(child=Text(max_length=64), min_length=1, max_length=100)
    requesters = serializers.ListField(child=Text(max_length=150), min_length=1, max_length=100)
    tools = serializers.ListField(child=Text(max_length=64), min_length=1, max_length=100)
    conditions = serializers.ListField(
        required=False, default=list, max_length=100, help_text="On the arguments, as in the `when` of a rule."
    )
    max_uses = Whole(min_value=1, max_value=MAX_USES)
    expires_in_minutes = Whole(min_value=1, max_value=MAX_DAYS * 24 * 60)
    note = Text(required=False, default="", allow_blank=True, max_length=2_000)


class Preauthorizations(ListAPIView[ApprovalToken]):
    """The pre-authorisations that you gave, or, for who oversees, all, newest first."""

    serializer_class = TokenShape

    def get_queryset(self) -> QuerySet[ApprovalToken]:
        """Return pre-authorisations only."""
        asked = StateQuery.read_query(self.request)
        found = visible_to(caller(self.request)).filter(kind=ApprovalToken.Kind.PREAUTHORIZATION)
        return found.filter(token_state.in_state(asked["state"], clock.now())) if asked else found

    @extend_schema(parameters=[StateQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List pre-authorisations."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=NewPreauthorization, responses={201: TokenShape})
    def post(self, request: Request) -> Response:
        """Give a yes ahead of time."""
        person, key = caller(request), request_key(request)
        if not preauthorizations.may_issue(person):
            raise preauthorizations.MayNotIssueError()
        body = NewPreauthorization.read(request)
        row = once(key, lambda: preauthorizations.issue(person=person, request_key=key, **body))
        return Response(TokenShape(row).data, status=201)
