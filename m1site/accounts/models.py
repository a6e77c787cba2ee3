"""Who acts: people, who decide, and service accounts, which never do; the keys they use outside a browser; what the
door counts."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7


class User(AbstractUser):
    """A person, or the service account of an agent or a program."""

    class Kind(models.TextChoices):
        PERSON = "person"
        SERVICE = "service"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.PERSON)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="user_kind_known", condition=Q(kind__in=["person", "service"])),
            models.CheckConstraint(
                name="user_service_has_no_privilege",
                condition=Q(kind="person") | Q(is_staff=False, is_superuser=False),
            ),
        ]

    @property
    def is_person(self) -> bool:
        """Only people decide."""
        return self.kind == self.Kind.PERSON


class ApiKey(models.Model):
    """A key for REST and the command line; the key itself is shown once and only its digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, help_text="The beginning of the key, to tell keys apart.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the whole key.")
    scopes = models.JSONField(default=list, help_text="What it may do: read, propose, decide, operate, policy.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["user", "-created_at"], name="api_key_by_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class LimitWindow(models.Model):
    """How often something was tried in a span of time: what sign-in limits count where no Redis does."""

    key = models.CharField(max_length=200, unique=True, help_text="What is counted; names are digests.")
    count = models.PositiveIntegerField(default=0)
    ends_at = models.DateTimeField(help_text="When counting begins anew.")
    used_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="limit_window_by_end")]

    def __str__(self) -> str:
        return self.key
