"""The ledger of tokens: issue, find, use and revoke. A signature alone opens nothing; the row must agree."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import F
from uuid_utils.compat import uuid7

from audit import canonical, clock, rows, trail
from audit.canonical import JSON
from audit.prepared import Change, prepared_update
from policy import jwt, preauthorization_scope
from policy.errors import FieldError, PolicyError
from policy.jwt import Claims, TokenLapsedError, TokenRefusedError
from policy.models import ApprovalToken, PreauthorizationUse, RevokedToken

MAX_USES, MAX_DAYS = 10_000, 365
Kind = ApprovalToken.Kind


class TokenNotFoundError(PolicyError):
    """There is no such token."""

    code = "not_found"
    http_status = 404


class TokenEndedError(PolicyError):
    """The token has ended already: it was revoked or used."""

    code = "token_ended"
    http_status = 409


def issue_execution(person: AbstractUser, *, request_id: UUID, round_: int, scope: dict[str, JSON]) -> ApprovalToken:
    """Sign the proof of a last approval, within the caller's transaction; it lives for minutes and is used once."""
    lifetime = timedelta(minutes=settings.M1_APPROVAL_TOKEN_TTL_MINUTES)
    row = _signed(Kind.EXECUTION, person, lifetime, scope, request_id=request_id, round=round_)
    trail.append(
        "token.issued", actor=f"user:{person.pk}", subject=f"token:{row.jti}", request_id=request_id, round=round_
    )
    return row


@transaction.atomic(durable=True)
def issue_preauthorization(
    *,
    person: AbstractUser,
    agents: Sequence[str],
    requesters: Sequence[str],
    tools: Sequence[str],
    conditions: Sequence[JSON] = (),
    max_uses: int,
    expires_in_minutes: int,
    note: str = "",
    request_key: UUID | None = None,
) -> ApprovalToken:
    """Sign a yes ahead of time: for these agents, requesters and tools, pinned to the tools' enabled definitions.

    conditions   on the arguments, as in a rule's `when`
    Raises FieldError, and CannotSignError outside the web process. Who may do this, and whether the agents exist, is
    looked at above: `agents.preauthorizations.issue` is the way in.
    """
    if request_key and (earlier := ApprovalToken.objects.filter(request_key=request_key).first()):
        return earlier
    scope = preauthorization_scope.build(agents, requesters, tools, list(conditions))
    _within("max_uses", max_uses, MAX_USES)
    _within("expires_in_minutes", expires_in_minutes, MAX_DAYS * 24 * 60)
    lifetime = timedelta(minutes=expires_in_minutes)
    row = _signed(Kind.PREAUTHORIZATION, person, lifetime, scope, max_uses=max_uses, note=note, request_key=request_key)
    trail.append(
        "preauthorization.issued", actor=f"user:{person.pk}", subject=f"token:{row.jti}",
        scope=scope, max_uses=max_uses, expires_at=row.expires_at,
    )  # fmt: skip
    return row


@transaction.atomic(durable=True)
def revoke(jti: UUID, *, person: AbstractUser, reason: str) -> ApprovalToken:
    """End a token at once, everywhere. Raises TokenNotFoundError, TokenEndedError, FieldError without a reason."""
    if not reason.strip():
        raise FieldError(field="reason", path=("reason",), problem="must say why")
    now = clock.now()
    open_ = ApprovalToken.objects.filter(jti=jti, revoked_at=None, used_at=None)
    if not open_.update(revoked_at=now):
        raise TokenEndedError() if ApprovalToken.objects.filter(jti=jti).exists() else TokenNotFoundError()
    RevokedToken.objects.create(token_id=jti, person_id=person.pk, reason=reason, created_at=now)
    trail.append("token.revoked", actor=f"user:{person.pk}", subject=f"token:{jti}", reason=reason)
    return ApprovalToken.objects.get(jti=jti)


def verified(row: ApprovalToken) -> Claims:
    """Return the claims of a ledger row whose own token is genuine, valid now and not revoked.

    Raises TokenRefusedError; TokenLapsedError where it was good once. A row changed by hand is refused: what counts is
    what the signature covers, so that one of them cannot be told from the other.
    """
    claims = jwt.read(row.kind, row.token)
    is_own = (claims.jti, claims.person_id) == (row.jti, row.person_id)
    if not is_own or (claims.issued_at, claims.expires_at) != (row.issued_at, row.expires_at):
        raise TokenRefusedError(reason="it is not the token of its row")
    if row.revoked_at is not None:
        raise TokenLapsedError(reason="it was revoked")
    return jwt.verify(row.kind, row.token, now=clock.now())


def consume(row: ApprovalToken, *, actor: str) -> None:
    """Use an execution token up, within the transaction of the claim. Raises TokenRefusedError if it was used."""
    if not _consume(row.jti, clock.now()):
        raise TokenRefusedError(reason="it was used or revoked")
    trail.append("token.consumed", actor=actor, subject=f"token:{row.jti}", request_id=row.request_id)


@prepared_update(UUID, datetime)
def _consume(jti: UUID, now: datetime) -> Change:
    return ApprovalToken.objects.filter(jti=jti, used_at=None, revoked_at=None), {"used_at": now, "uses": 1}


def withdraw(request_id: UUID, *, actor: str, reason: str) -> None:
    """Revoke what was signed for a call and is not used, within the transaction that ends the call unrun."""
    unused = ApprovalToken.objects.filter(kind=Kind.EXECUTION, request_id=request_id, used_at=None, revoked_at=None)
    for jti in list(unused.values_list("jti", flat=True)):
        if unused.filter(jti=jti).update(revoked_at=clock.now()):
            trail.append("token.revoked", actor=actor, subject=f"token:{jti}", reason=reason)


def use_preauthorization(row: ApprovalToken, *, request_id: UUID, round_: int, actor: str) -> bool:
    """Count one use within the transaction that approves; False when none is left."""
    left = ApprovalToken.objects.filter(jti=row.jti, uses__lt=F("max_uses"), revoked_at=None)
    if not left.update(uses=F("uses") + 1):
        return False
    PreauthorizationUse.objects.create(token=row, request_id=request_id, round=round_, created_at=clock.now())
    trail.append("preauthorization.used", actor=actor, subject=f"token:{row.jti}", request_id=request_id)
    return True


def _signed(
    kind: str, person: AbstractUser, lifetime: timedelta, scope: dict[str, Any], **fields: Any
) -> ApprovalToken:
    now = clock.now().replace(microsecond=0)  # a JWT counts seconds, and both must say the same
    claims = Claims(person_id=person.pk, jti=uuid7(), issued_at=now, expires_at=now + lifetime, scope=scope)
    kid, token = jwt.sign(kind, claims)
    row = ApprovalToken(
        jti=claims.jti, kind=kind, person_id=person.pk, kid=kid, token=token,
        scope=canonical.encode(scope).decode(), issued_at=now, expires_at=claims.expires_at, **fields,
    )  # fmt: skip
    rows.insert(row)
    return row


def _within(field: str, value: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise FieldError(field=field, path=(field,), problem=f"must be a whole number from 1 to {most}")
