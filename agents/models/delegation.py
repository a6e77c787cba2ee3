"""Who stands in for whom, and when."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7


class Delegation(models.Model):
    """While a person is away, another may decide what that person could decide; never both on one call."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations")
    delegate = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="stands_in")
    reason = models.CharField(max_length=500)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="Ended by a person, before its time.")
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="delegation_begins_before_it_ends", condition=Q(starts_at__lt=F("ends_at"))),
            models.CheckConstraint(name="delegation_to_someone_else", condition=~Q(person=F("delegate"))),
        ]
        indexes: ClassVar = [models.Index(fields=["delegate", "ends_at"], name="delegation_by_delegate")]

    def __str__(self) -> str:
        """Return what it is, and which."""
        return f"stand-in {self.pk}"
