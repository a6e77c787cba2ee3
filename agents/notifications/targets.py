"""Which targets there are: what the worker's setting lists. Only labels and keyed digests are in the database."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from django.conf import settings
from django.db import transaction

from agents.models import NotificationTarget
from audit import clock, trail
from audit.errors import MacKeyMissingError

if TYPE_CHECKING:
    from agents.notifications.urls import Address

SUBJECT = "setting:M1_NOTIFY_URLS"


class Changes(TypedDict):
    """Labels of the targets that are new (or are back), and of those that are told no more."""

    added: list[str]
    retired: list[str]


@transaction.atomic(durable=True)
def sync(addresses: Sequence["Address"], *, actor: str) -> Changes:
    """Make the targets what the setting lists; one that is not in it any more is told nothing from now on.

    What waits for a target that goes is dropped by the sweep. Raises MacKeyMissingError.
    """
    key: bytes = settings.M1_AUDIT_MAC_KEY
    if addresses and not key:
        raise MacKeyMissingError
    before = set(NotificationTarget.objects.filter(is_retired=False).values_list("identity", flat=True))
    listed = {address.identity(key): address for address in addresses}
    for identity, address in listed.items():
        NotificationTarget.objects.update_or_create(
            identity=identity,
            defaults={"label": address.label, "group_name": address.group, "is_retired": False, "calls": 0},
            create_defaults={
                "label": address.label, "group_name": address.group, "created_at": clock.now(),
            },
        )  # fmt: skip
    gone = NotificationTarget.objects.filter(identity__in=before - listed.keys())
    changes = Changes(
        added=[listed[one].label for one in listed if one not in before],
        retired=list(gone.values_list("label", flat=True)),
    )
    gone.update(is_retired=True, failing_since=None, last_error="")
    if changes["added"] or changes["retired"]:
        trail.append("notification.targets_changed", actor=actor, subject=SUBJECT, **changes)
    return changes


def address_of(target: NotificationTarget, addresses: Sequence["Address"]) -> "Address | None":
    """Return the address of a target, if this process knows it."""
    key: bytes = settings.M1_AUDIT_MAC_KEY
    return next((one for one in addresses if key and one.identity(key) == target.identity), None)
