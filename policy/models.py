"""What policy keeps: tools and their versions, published policies, verdicts, tokens. `clock.now()` makes every time."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from audit import canonical

PERSON = settings.AUTH_USER_MODEL


class Tool(models.Model):
    """A name on the allowlist."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class ToolVersion(models.Model):
    """One definition of a tool, by digest. Several may be enabled while a rollout runs; a call is bound to one."""

    class State(models.TextChoices):
        DISABLED = "disabled"
        ENABLED = "enabled"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tool = models.ForeignKey(Tool, models.PROTECT, related_name="versions")
    digest = models.CharField(max_length=64)
    declaration = models.TextField(
        help_text="Canonical JSON: schema, risk, headline, limits, digests of the source files."
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.DISABLED)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tool", "digest"], name="tool_version_once"),
            models.CheckConstraint(name="tool_version_state_known", condition=Q(state__in=["disabled", "enabled"])),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.digest[:12]}"

    @property
    def declared(self) -> dict[str, Any]:
        """The declaration as fields of registry.Definition, and `sources`."""
        value = canonical.parse(self.declaration.encode())
        return value if isinstance(value, dict) else {}


class PolicyVersion(models.Model):
    """A published policy: numbered, immutable (a trigger refuses changes). The newest is in force."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.PositiveIntegerField(unique=True)
    document = models.TextField(help_text="YAML as it was published.")
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(PERSON, models.PROTECT, related_name="+")
    publisher = models.ForeignKey(PERSON, models.PROTECT, related_name="+")
    note = models.TextField(blank=True)
    published_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-number"]

    def __str__(self) -> str:
        return f"policy {self.number}"


class PolicyCheck(models.Model):
    """One evaluation: what was asked of policy and all that it answered. Insert only."""

    class Phase(models.TextChoices):
        PROPOSAL = "proposal"
        CLAIM = "claim"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request_id = models.UUIDField(db_index=True)
    phase = models.CharField(max_length=8, choices=Phase.choices)
    tool_name = models.CharField(max_length=200)
    tool_digest = models.CharField(max_length=64, blank=True)
    arguments_digest = models.CharField(max_length=64, blank=True)
    policy_version = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(max_length=16)
    verdict = models.JSONField(help_text="Verdict.as_dict()")
    microseconds = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="policy_check_outcome_known",
                condition=Q(outcome__in=["denied", "needs_approval", "preauthorized"]),
            )
        ]


class ApprovalToken(models.Model):
    """A token that M1 signed: the ledger row. An execution token, or a pre-authorisation."""

    class Kind(models.TextChoices):
        EXECUTION = "execution"
        PREAUTHORIZATION = "preauthorization"

    jti = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    person = models.ForeignKey(PERSON, models.PROTECT, related_name="+", help_text="The `sub`: who said yes.")
    kid = models.CharField(max_length=64)
    token = models.TextField(help_text="The signed JWT; it is written nowhere else.")
    scope = models.TextField(help_text="Canonical JSON of the claim `scope`.")
    note = models.TextField(blank=True)
    request_id = models.UUIDField(null=True, blank=True, db_index=True)
    round = models.PositiveIntegerField(null=True, blank=True)
    max_uses = models.PositiveIntegerField(default=1)
    uses = models.PositiveIntegerField(default=0)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    request_key = models.UUIDField(null=True, blank=True, unique=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="token_uses_within_max", condition=Q(uses__lte=F("max_uses"))),
            models.CheckConstraint(
                name="token_kind_shape",
                condition=Q(kind="execution", request_id__isnull=False, round__isnull=False, max_uses=1)
                | Q(kind="preauthorization", request_id__isnull=True, round__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["request_id", "round"], condition=Q(kind="execution"), name="token_once_per_round"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "-issued_at"], name="token_by_kind_and_time")]

    def __str__(self) -> str:
        return f"{self.kind} {self.jti}"


class PreauthorizationUse(models.Model):
    """A call that a pre-authorisation stood in for; unique per call and round, counted in the token's `uses`."""

    token = models.ForeignKey(ApprovalToken, models.PROTECT, related_name="used_by")
    request_id = models.UUIDField()
    round = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request_id", "round"], name="preauthorization_use_once")
        ]


class RevokedToken(models.Model):
    """Who revoked a token, and why; kept 30 days past the token's end. `ApprovalToken.revoked_at` is the authority."""

    token = models.OneToOneField(ApprovalToken, models.CASCADE, primary_key=True, related_name="revocation")
    person = models.ForeignKey(PERSON, models.PROTECT, related_name="+")
    reason = models.TextField()
    created_at = models.DateTimeField()
