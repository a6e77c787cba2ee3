"""The rows of the trail. Triggers in the database keep them as they were written; see triggers.py."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from audit.fields import TransactionIdField


class AuditEvent(models.Model):
    """The header of one event: who did what to what, when, in which place of the order. Written once, by trail.append.

    Order is (cluster, xid, id), never created_at: a transaction that commits late is not skipped, and clocks may jump.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.PositiveSmallIntegerField(help_text="Version of the header's form.")
    created_at = models.DateTimeField(help_text="The database's time when the event was written.")
    action = models.CharField(max_length=64)
    actor = models.CharField(max_length=64)
    subject = models.CharField(max_length=240)
    payload_digest = models.CharField(max_length=64, help_text="SHA-256 of the payload's salt and bytes.")
    cluster = models.CharField(max_length=20, help_text="Which database cluster gave the transaction its number.")
    xid = TransactionIdField(help_text="The number of the transaction that wrote the event.")
    mac = models.CharField(max_length=64, help_text="HMAC-SHA256 of the header, until the event is sealed.")

    class Meta:
        default_permissions = ("view",)
        get_latest_by = "created_at"
        indexes = [
            models.Index(fields=["created_at", "id"], name="audit_event_time"),
            models.Index(fields=["subject", "id"], name="audit_event_subject"),
            models.Index(fields=["cluster", "xid", "id"], name="audit_event_order"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


class AuditPayload(models.Model):
    """The facts of one event as canonical JSON, beside the header so that they can be removed and the proof kept."""

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, primary_key=True, related_name="payload")
    salt = models.BinaryField(max_length=32)
    body = models.BinaryField()

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"payload of {self.event_id}"
