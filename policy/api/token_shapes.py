"""Tokens as REST tells them: everything of the ledger row but the token itself."""

from datetime import datetime
from functools import cached_property
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit import clock
from audit.canonical import JSON
from audit.rest import Body, Shape
from policy import scope_words, token_state
from policy.models import ApprovalToken, RevokedToken
from policy.token_state import State


class TokenShape(Shape):
    """A token of the ledger, without its text."""

    jti = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.SerializerMethodField()
    person = serializers.CharField(source="person.username")
    kid = serializers.CharField()
    scope = serializers.SerializerMethodField()
    note = serializers.CharField()
    request_id = serializers.UUIDField(allow_null=True)
    round = serializers.IntegerField(allow_null=True)
    max_uses = serializers.IntegerField()
    uses = serializers.IntegerField()
    issued_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    revoked_by = serializers.SerializerMethodField()
    revocation_reason = serializers.SerializerMethodField()

    @cached_property
    def now(self) -> datetime:
        """The database's time, asked for once for all the rows of a list."""
        return clock.now()

    @extend_schema_field(serializers.ChoiceField(State.choices))
    def get_state(self, token: ApprovalToken) -> str:
        """Return active, used, expired or revoked."""
        return str(token_state.state_of(token, self.now))

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_scope(self, token: ApprovalToken) -> JSON:
        """Return what the token covers."""
        return scope_words.scope_of(token)

    def get_revoked_by(self, token: ApprovalToken) -> str | None:
        """Return who revoked it; nobody where M1 did, since its call ended."""
        revocation = revocation_of(token)
        return revocation.person.get_username() if revocation else None

    def get_revocation_reason(self, token: ApprovalToken) -> str | None:
        """Return why."""
        revocation = revocation_of(token)
        return revocation.reason if revocation else None


class VerifiedShape(TokenShape):
    """A token, and whether it counts now."""

    is_valid = serializers.SerializerMethodField()  # type: ignore[assignment] # no attribute of the class: DRF takes it
    why = serializers.SerializerMethodField()
    scope_in_words = serializers.SerializerMethodField()

    def get_is_valid(self, token: ApprovalToken) -> bool:
        """Return whether it counts."""
        return not token_state.why_not(token)

    def get_why(self, token: ApprovalToken) -> str:
        """Return why it does not, "" if it does."""
        return token_state.why_not(token)

    def get_scope_in_words(self, token: ApprovalToken) -> list[str]:
        """Return what it covers, as sentences."""
        return scope_words.in_words(token)


class TokenQuery(Body):
    """Which tokens to list."""

    kind = serializers.ChoiceField(ApprovalToken.Kind.values, required=False)
    state = serializers.ChoiceField(State.values, required=False)


class StateQuery(Body):
    """Which pre-authorisations to list."""

    state = serializers.ChoiceField(State.values, required=False)


def revocation_of(token: ApprovalToken) -> RevokedToken | None:
    """Return who revoked a token and why; None where nobody did."""
    revocation: Any = getattr(token, "revocation", None)
    return revocation if isinstance(revocation, RevokedToken) else None
