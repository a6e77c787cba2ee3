"""REST for the ledger of tokens, whose texts never leave it."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import clock
from audit.rest import Body, Text, caller
from policy import token_state, tokens
from policy.api.token_shapes import TokenQuery, TokenShape, VerifiedShape
from policy.models import ApprovalToken
from policy.tokens import TokenNotFoundError

SEE_ALL, CHANGE_ALL = "policy.view_approvaltoken", "policy.change_approvaltoken"


class Revocation(Body):
    """Why a token is ended."""

    reason = Text(max_length=2_000)


class Tokens(ListAPIView[ApprovalToken]):
    """The tokens that you gave, or, for who oversees, all, newest first."""

    serializer_class = TokenShape

    def get_queryset(self) -> QuerySet[ApprovalToken]:
        """Return what the query asks for."""
        asked = TokenQuery.read_query(self.request)
        state = asked.pop("state", None)
        found = visible_to(caller(self.request)).filter(**asked)
        return found.filter(token_state.in_state(state, clock.now())) if state else found

    @extend_schema(parameters=[TokenQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List tokens."""
        return super().get(request, *args, **kwargs)


class OneToken(APIView):
    """A token of the ledger, and whether it counts now."""

    @extend_schema(responses=VerifiedShape)
    def get(self, request: Request, jti: UUID) -> Response:
        """Verify it: signature, state of its key, times, revocation, uses."""
        return Response(VerifiedShape(_found(request, jti)).data)


class Revoke(APIView):
    """The end of a token."""

    @extend_schema(request=Revocation, responses=TokenShape)
    def post(self, request: Request, jti: UUID) -> Response:
        """Revoke it at once, everywhere: one's own, or any for who may change all."""
        row = _found(request, jti)
        if row.person_id != caller(request).pk and not caller(request).has_perm(CHANGE_ALL):
            raise PermissionDenied
        reason = Revocation.read(request)["reason"]
        return Response(TokenShape(tokens.revoke(jti, person=caller(request), reason=reason)).data)


def visible_to(user: AbstractUser) -> QuerySet[ApprovalToken]:
    """Return the tokens that a person gave, and all of them for those who may read or end any."""
    rows = ApprovalToken.objects.select_related("person", "revocation__person").defer("token")
    if user.has_perm(SEE_ALL) or user.has_perm(CHANGE_ALL):
        return rows
    return rows.filter(person_id=user.pk)


def _found(request: Request, jti: UUID) -> ApprovalToken:
    row = visible_to(caller(request)).filter(jti=jti).first()
    if row is None:
        raise TokenNotFoundError()
    return row
