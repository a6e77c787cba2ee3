"""Whether a token of the ledger still counts, and why not: said alike by page, admin, REST and terminal."""

from datetime import datetime

from django.db.models import F, Q, TextChoices

from audit import canonical
from policy import tokens
from policy.jwt import TokenRefusedError
from policy.models import ApprovalToken


class State(TextChoices):
    """What the ledger says of a token; one that was used or revoked stays so after its time."""

    ACTIVE = "active"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"


_USED = Q(used_at__isnull=False) | Q(uses__gte=F("max_uses"))


def state_of(row: ApprovalToken, now: datetime) -> State:
    """Return the state of a token."""
    if row.revoked_at is not None:
        return State.REVOKED
    if row.used_at is not None or row.uses >= row.max_uses:
        return State.USED
    return State.EXPIRED if row.expires_at <= now else State.ACTIVE


def in_state(state: str, now: datetime) -> Q:
    """Return the condition on tokens that they are in a state."""
    open_ = Q(revoked_at=None) & ~_USED
    return {
        State.REVOKED: Q(revoked_at__isnull=False),
        State.USED: Q(revoked_at=None) & _USED,
        State.EXPIRED: open_ & Q(expires_at__lte=now),
        State.ACTIVE: open_ & Q(expires_at__gt=now),
    }[State(state)]


def why_not(row: ApprovalToken) -> str:
    """Return "" if the token counts now, else why it does not: what the claim would say of it."""
    try:
        claims = tokens.verified(row)
    except TokenRefusedError as exc:
        return str(exc.facts["reason"])
    if row.used_at is not None:
        return "it was used"
    if row.uses >= row.max_uses:
        return "it has no uses left"
    is_as_signed = claims.expires_at == row.expires_at and canonical.encode(claims.scope).decode() == row.scope
    return "" if is_as_signed else "its row does not say what was signed"
