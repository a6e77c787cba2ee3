"""Reading the scope of a pre-authorisation: whom and what it names."""

import re

from django.contrib.auth.models import AbstractUser
from django.db.models import F, Q, QuerySet

from audit import canonical, clock
from policy.models import ApprovalToken


def naming(person: AbstractUser) -> Q:
    """Return the condition that a scope names the person as requester.

    The scope is canonical JSON, where a quote inside a text is escaped: what matches is a member of the list itself.
    """
    name = re.escape(canonical.encode(person.get_username()).decode())
    return Q(scope__regex=rf'"requesters":\[[^]]*{name}')


def usable_by(person: AbstractUser, most: int = 50) -> QuerySet[ApprovalToken]:
    """Return the newest pre-authorisations that name the person, are in force and have uses left."""
    rows = ApprovalToken.objects.filter(
        naming(person), kind=ApprovalToken.Kind.PREAUTHORIZATION, revoked_at=None, expires_at__gt=clock.now(),
        uses__lt=F("max_uses"),
    )  # fmt: skip
    return rows.select_related("person").order_by("-issued_at")[:most]
