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
    canonical = models.TextField(
        help_text="The same as RFC 8785 JSON: what the digest covers, and what calls are judged by."
    )
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(PERSON, models.PROTECT, related_name="+")
    publisher = models.ForeignKey(PERSON, models.PROTECT, related_name="+")
    note = models.TextField(blank=True)
    overridden = models.JSONField(default=list, help_text="Findings that its publisher overrode, and the reason.")
    published_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-number"]

    def __str__(self) -> str:
        return f"policy {self.number}"


class Draft(models.Model):
    """The one draft of the next policy: what its rules and tests, rows of their own, have in common."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    base = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+", help_text="What it began as.")
    note = models.TextField(blank=True, help_text="What the policy is for; part of the document.")
    text = models.TextField(
        blank=True, help_text="YAML as it was applied; published word for word while it says what the rows say."
    )
    revision = models.PositiveIntegerField(default=0, help_text="Moves with every edit; an edit names the one it saw.")
    author = models.ForeignKey(PERSON, models.PROTECT, null=True, related_name="+", help_text="Who edited it last.")
    editors: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        PERSON, related_name="+", help_text="Who edited it since the last publication."
    )
    updated_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "draft"
        constraints: ClassVar = [models.CheckConstraint(name="draft_only_one", condition=Q(id=1))]

    def __str__(self) -> str:
        return "the draft"


class DraftPart(models.Model):
    """A named piece of the draft, as a document writes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    position = models.PositiveIntegerField(help_text="Where it stands in the document; it changes no verdict.")
    body = models.TextField(help_text="Canonical JSON of the piece, its name included.")
    author = models.ForeignKey(PERSON, models.PROTECT, related_name="+", help_text="Who edited it last.")
    updated_at = models.DateTimeField()

    class Meta:
        abstract = True
        ordering: ClassVar = ["position", "id"]

    @property
    def value(self) -> dict[str, Any]:
        """The piece as `rule_fields.parse` or `case_fields.parse` reads it."""
        value = canonical.parse(self.body.encode())
        return value if isinstance(value, dict) else {}


class Rule(DraftPart):
    """A rule of the draft."""

    name = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.name


class RuleTest(DraftPart):
    """A test case of the draft: a call, and what the rules must say to it."""

    name = models.CharField(max_length=200, unique=True)

    class Meta(DraftPart.Meta):
        verbose_name = "rule test"

    def __str__(self) -> str:
        return self.name


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

    def __str__(self) -> str:
        """Return what it is, and which."""
        return f"policy check {self.pk}"


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
