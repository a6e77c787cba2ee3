"""What must happen after a commit: a row first, a message second."""

from typing import ClassVar

from django.db import models
from uuid_utils.compat import uuid7


class Outbox(models.Model):
    """A message to send until its receiver deletes the row; losing the message is a delay."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.CharField(max_length=32)
    key = models.UUIDField(help_text="The run or request it is about; the message carries nothing else.")
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(help_text="When it is sent again, if nobody has taken it by then.")
    sends = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="How often in a row an executor took it up and came to no orderly end."
    )
    taken_until = models.DateTimeField(null=True, help_text="Until then one executor is at it, and others leave it.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["next_at"], name="outbox_due"),
            models.Index(fields=["task", "key"], name="outbox_by_key"),
        ]
