"""REST for the ledger of tokens, whose texts never leave it."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import canonical
from audit.canonical import JSON
from audit.rest import Body, Shape, Text, Whole, caller, once, request_key
from policy import tokens
from policy.models import ApprovalToken
from policy.tokens import MAX_DAYS, MAX_USES, TokenNotFoundError

SEE_ALL, CHANGE_ALL, ISSUE = "policy.view_approvaltoken", "policy.change_approvaltoken", "policy.add_approvaltoken"
Kind = ApprovalToken.Kind


class TokenShape(Shape):
    """A token of the ledger, without its text."""

    jti = serializers.UUIDField()
    kind = serializers.CharField()
    person = serializers.CharField(source="person.username")
    scope = serializers.SerializerMethodField()
    note = serializers.CharField()
    request_id = serializers.UUIDField(allow_null=True)
    max_uses = serializers.IntegerField()
    uses = serializers.IntegerField()
    issued_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_scope(self, token: ApprovalToken) -> JSON:
        """Return what the token covers."""
        return canonical.parse(token.scope.encode())


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


class Revocation(Body):
    """Why a token is ended."""

    reason = Text(max_length=2_000)


class TokenQuery(Body):
    """Which tokens to list."""

    kind = serializers.ChoiceField(Kind.values, required=False)


class Tokens(ListAPIView[ApprovalToken]):
    """The tokens that you gave, or, for who oversees, all, newest first."""

    serializer_class = TokenShape

    def get_queryset(self) -> QuerySet[ApprovalToken]:
        """Return what the query asks for."""
        return visible_to(caller(self.request)).filter(**TokenQuery.read_query(self.request)).select_related("person")

    @extend_schema(parameters=[TokenQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List tokens."""
        return super().get(request, *args, **kwargs)


class Preauthorizations(ListAPIView[ApprovalToken]):
    """The pre-authorisations that you gave, or, for who oversees, all, newest first."""

    serializer_class = TokenShape

    def get_queryset(self) -> QuerySet[ApprovalToken]:
        """Return pre-authorisations only."""
        Body.read_query(self.request)
        return visible_to(caller(self.request)).filter(kind=Kind.PREAUTHORIZATION).select_related("person")

    @extend_schema(request=NewPreauthorization, responses={201: TokenShape})
    def post(self, request: Request) -> Response:
        """Give a yes ahead of time."""
        if not getattr(caller(request), "is_person", False) or not caller(request).has_perm(ISSUE):
            raise PermissionDenied
        body = NewPreauthorization.read(request)
        person, key = caller(request), request_key(request)
        row = once(key, lambda: tokens.issue_preauthorization(person=person, request_key=key, **body))
        return Response(TokenShape(row).data, status=201)


class Revoke(APIView):
    """The end of a token."""

    @extend_schema(request=Revocation, responses=TokenShape)
    def post(self, request: Request, jti: UUID) -> Response:
        """Revoke it at once, everywhere: one's own, or any for who may change all."""
        row = visible_to(caller(request)).filter(jti=jti).first()
        if row is None:
            raise TokenNotFoundError()
        if row.person_id != caller(request).pk and not caller(request).has_perm(CHANGE_ALL):
            raise PermissionDenied
        reason = Revocation.read(request)["reason"]
        return Response(TokenShape(tokens.revoke(jti, person=caller(request), reason=reason)).data)


def visible_to(user: AbstractUser) -> QuerySet[ApprovalToken]:
    """Return the tokens that a person gave, and all of them for those who may read any."""
    if user.has_perm(SEE_ALL):
        return ApprovalToken.objects.all()
    return ApprovalToken.objects.filter(person_id=user.pk)
