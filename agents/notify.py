"""What people outside M1 are told of: written down in the transaction of the change, sent by a worker after it."""

from datetime import timedelta

from agents.approval import eligibility
from agents.models import Notification, NotificationTarget, ToolCall
from audit import clock

GIVE_UP = timedelta(hours=6)
Kind = Notification.Kind
# Whoever looks after what has happened is told too, where a target is theirs.
ALSO: dict[str, frozenset[str]] = {
    Kind.BROKEN_GLASS: frozenset({"administrator", "auditor"}),
    Kind.LOST: frozenset({"operator"}),
}


def tell(kind: Kind, call: ToolCall, *, number: int = 0) -> None:
    """Write down, within the caller's transaction, that each target which is for this call is to know; once each.

    call    as it is now: its round is the one that is told of
    number  which reminder of the round
    Without targets nothing is written.
    """
    targets = list(NotificationTarget.objects.filter(is_retired=False).values_list("pk", "group_name"))
    if not targets:
        return
    groups = {"", *eligibility.asked_groups(call), *ALSO.get(kind, ())}
    now = clock.now()
    Notification.objects.bulk_create(
        [
            Notification(
                target_id=target,
                call=call,
                round=call.round,
                kind=kind,
                number=number,
                created_at=now,
                next_at=now,
                give_up_at=now + GIVE_UP,
            )
            for target, group in targets
            if group in groups
        ],  # fmt: skip
        ignore_conflicts=True,
    )
