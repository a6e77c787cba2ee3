"""Refused attacks go on the trail, written by the door after the roll-back, counted together so that none floods it."""

import logging
import re
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.db.models import F
from django.http import HttpRequest

from audit import clock, trail
from audit.errors import M1Error
from audit.events import Event
from m1site.models import RefusedAttack

log = logging.getLogger(__name__)
NOBODY = "system:door"
QUIET = timedelta(minutes=1)
_NOT_SUBJECT = re.compile(r"[^A-Za-z0-9._:@/*+-]")

# Nobody meets these by honest use of M1's own pages and commands.
CODES = frozenset(
    {"csrf_failed", "invalid_api_key", "not_eligible", "scope_missing", "too_many_pending", "too_many_attempts"}
)


def note(request: HttpRequest, error: M1Error) -> None:
    """Record the error if it is a refused attack; never fail, since the refusal itself must reach its sender."""
    if error.code not in CODES:
        return
    try:
        user = getattr(request, "user", None)
        actor = f"user:{user.pk}" if user is not None and user.is_authenticated else NOBODY
        record(actor=actor, code=error.code, path=request.path_info, address=request.META.get("REMOTE_ADDR", ""))
    except (DatabaseError, M1Error):
        log.exception("a refused attack could not be recorded: %s", error.code)


@transaction.atomic
def record(*, actor: str, code: str, path: str, address: str) -> None:
    """Write one event per actor, code and minute; the next one says how many there were in between."""
    now = clock.now()
    row, is_new = RefusedAttack.objects.get_or_create(actor=actor, code=code, defaults={"told_at": now})
    mine = RefusedAttack.objects.filter(pk=row.pk, untold=row.untold)
    if is_new or mine.filter(told_at__lte=now - QUIET).update(told_at=now, untold=0):
        subject = f"path:{_NOT_SUBJECT.sub('_', path)[:200] or '/'}"
        trail.append(Event.ATTACK_REFUSED, actor=actor, subject=subject, code=code, address=address, more=row.untold)
    else:
        RefusedAttack.objects.filter(pk=row.pk).update(untold=F("untold") + 1)
