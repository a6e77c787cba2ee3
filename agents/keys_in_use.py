"""Which tokens would die with their key: those that could still let a call run."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from agents.models import ToolCall
from agents.states import Status
from policy.models import ApprovalToken, PreauthorizationUse

OPEN = (Status.PENDING, Status.APPROVED)


def live_tokens(kid: str, now: datetime) -> QuerySet[ApprovalToken]:
    """Return what a key signed and still counts: unused execution tokens, pre-authorisations with uses left.

    And pre-authorisations without, while a call that one of them approved has not been claimed: the claim verifies it.
    """
    rows = ApprovalToken.objects.filter(kid=kid, revoked_at=None, expires_at__gt=now)
    open_calls = ToolCall.objects.filter(status__in=OPEN).values("pk")
    waiting = PreauthorizationUse.objects.filter(token=OuterRef("pk"), request_id__in=open_calls)
    unused = Q(kind=ApprovalToken.Kind.EXECUTION, used_at=None)
    ahead = Q(kind=ApprovalToken.Kind.PREAUTHORIZATION) & (Q(uses__lt=F("max_uses")) | Q(Exists(waiting)))
    return rows.filter(unused | ahead).select_related("person").order_by("-issued_at", "-jti")
