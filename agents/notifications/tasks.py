"""The worker that tells: the only process that knows the addresses. It sends one message at a time to each target."""

import logging
from uuid import UUID

from celery import shared_task
from django.conf import settings

from agents import queue
from agents.notifications import attempts, targets
from agents.notifications.sending import SEND_SECONDS, TOO_SLOW, send
from agents.notifications.text import compose

NOT_MINE = "is not in this worker's M1_NOTIFY_URLS"
logger = logging.getLogger(__name__)


@shared_task(name=queue.NOTIFY, time_limit=SEND_SECONDS + 15)
def notify(target_id: object) -> None:
    """Tell a target what is due; nothing happens for a made-up id, nor in a process that knows no address."""
    try:
        key = UUID(target_id) if isinstance(target_id, str) else None
    except ValueError:
        return
    if key and settings.M1_NOTIFY_ADDRESSES and settings.M1_ROLE in ("", "housekeeping"):
        deliver(key)


def deliver(target_id: UUID) -> bool:
    """Send one message with all that is due for a target; tell whether it was taken."""
    taken = attempts.take(target_id)
    if taken is None:
        return False
    address = targets.address_of(taken.target, settings.M1_NOTIFY_ADDRESSES)
    message = compose(taken.items, settings.M1_URL, may_be_repeated=taken.is_repeated)
    error = send(address, message) if address else NOT_MINE
    unclear = error == TOO_SLOW or bool(address and not address.is_one)
    attempts.finish(taken, error, may_have_arrived=unclear)
    if error:
        logger.warning("notification target %s: %s", taken.target.label, error)
    return not error
