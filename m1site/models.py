"""What the door remembers: answers to repeat, attacks it has refused."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from uuid_utils.compat import uuid7


class IdempotentRequest(models.Model):
    """A POST with an Idempotency-Key: what was asked, and, once it is known, what was answered."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Null: not answered yet.")
    response = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="idempotent_request_once")]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotent_request_by_time")]

    def __str__(self) -> str:
        return self.key


class RefusedAttack(models.Model):
    """How many attacks of one kind by one actor were refused since the trail was last told."""

    actor = models.CharField(max_length=64)
    code = models.CharField(max_length=64)
    told_at = models.DateTimeField()
    untold = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.UniqueConstraint(fields=["actor", "code"], name="refused_attack_once")]

    def __str__(self) -> str:
        return f"{self.code} by {self.actor}"
