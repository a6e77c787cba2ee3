"""Tools, policies, verdicts and the ledger of tokens; what is written once stays as it was written."""

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from audit.triggers import append_only


class Migration(migrations.Migration):
    """Create the tables and the triggers of those that are insert only, but for the columns that count."""

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApprovalToken",
            fields=[
                (
                    "jti",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("execution", "Execution"), ("preauthorization", "Preauthorization")], max_length=16
                    ),
                ),
                ("kid", models.CharField(max_length=64)),
                ("token", models.TextField(help_text="The signed JWT; it is written nowhere else.")),
                ("scope", models.TextField(help_text="Canonical JSON of the claim `scope`.")),
                ("note", models.TextField(blank=True)),
                ("request_id", models.UUIDField(blank=True, db_index=True, null=True)),
                ("round", models.PositiveIntegerField(blank=True, null=True)),
                ("max_uses", models.PositiveIntegerField(default=1)),
                ("uses", models.PositiveIntegerField(default=0)),
                ("issued_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("request_key", models.UUIDField(blank=True, null=True, unique=True)),
                (
                    "person",
                    models.ForeignKey(
                        help_text="The `sub`: who said yes.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Tool",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("document", models.TextField(help_text="YAML as it was published.")),
                ("digest", models.CharField(max_length=64)),
                ("note", models.TextField(blank=True)),
                ("published_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "publisher",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="PolicyCheck",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("request_id", models.UUIDField(db_index=True)),
                ("phase", models.CharField(choices=[("proposal", "Proposal"), ("claim", "Claim")], max_length=8)),
                ("tool_name", models.CharField(max_length=200)),
                ("tool_digest", models.CharField(blank=True, max_length=64)),
                ("arguments_digest", models.CharField(blank=True, max_length=64)),
                ("outcome", models.CharField(max_length=16)),
                ("verdict", models.JSONField(help_text="Verdict.as_dict()")),
                ("microseconds", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
                (
                    "policy_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policy.policyversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PreauthorizationUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("request_id", models.UUIDField()),
                ("round", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField()),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="used_by", to="policy.approvaltoken"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ToolVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                (
                    "declaration",
                    models.TextField(
                        help_text="Canonical JSON: schema, risk, headline, limits, digests of the source files."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("disabled", "Disabled"), ("enabled", "Enabled")], default="disabled", max_length=8
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "tool",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="policy.tool"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RevokedToken",
            fields=[
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="revocation",
                        serialize=False,
                        to="policy.approvaltoken",
                    ),
                ),
                ("reason", models.TextField()),
                ("created_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="approvaltoken",
            index=models.Index(fields=["kind", "-issued_at"], name="token_by_kind_and_time"),
        ),
        migrations.AddConstraint(
            model_name="approvaltoken",
            constraint=models.CheckConstraint(
                condition=models.Q(("uses__lte", models.F("max_uses"))), name="token_uses_within_max"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvaltoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "execution"), ("max_uses", 1), ("request_id__isnull", False), ("round__isnull", False)
                    ),
                    models.Q(("kind", "preauthorization"), ("request_id__isnull", True), ("round__isnull", True)),
                    _connector="OR",
                ),
                name="token_kind_shape",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvaltoken",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "execution")), fields=("request_id", "round"), name="token_once_per_round"
            ),
        ),
        migrations.AddConstraint(
            model_name="policycheck",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["denied", "needs_approval", "preauthorized"])),
                name="policy_check_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="preauthorizationuse",
            constraint=models.UniqueConstraint(fields=("request_id", "round"), name="preauthorization_use_once"),
        ),
        migrations.AddConstraint(
            model_name="toolversion",
            constraint=models.UniqueConstraint(fields=("tool", "digest"), name="tool_version_once"),
        ),
        migrations.AddConstraint(
            model_name="toolversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["disabled", "enabled"])), name="tool_version_state_known"
            ),
        ),
        append_only("policy_toolversion", mutable=["state"]),
        append_only("policy_policyversion"),
        append_only("policy_policycheck"),
        append_only("policy_approvaltoken", mutable=["uses", "used_at", "revoked_at"]),
        append_only("policy_preauthorizationuse"),
    ]
