import django.db.models.deletion
import uuid_utils.compat
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from audit.triggers import append_only, lift
from policy import documents


def fill(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Write the canonical form of the policies that were published without one."""
    versions = apps.get_model("policy", "PolicyVersion").objects
    for version in versions.all():
        canonical = documents.canonical(documents.load(version.document)).decode()
        versions.filter(pk=version.pk).update(canonical=canonical)


class Migration(migrations.Migration):
    dependencies = [
        ("policy", "0001_tools_policies_and_tokens"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        lift("policy_policyversion"),
        migrations.AddField(
            model_name="policyversion",
            name="canonical",
            field=models.TextField(
                default="", help_text="The same as RFC 8785 JSON: what the digest covers, and what calls are judged by."
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="policyversion",
            name="overridden",
            field=models.JSONField(default=list, help_text="Findings that its publisher overrode, and the reason."),
        ),
        migrations.CreateModel(
            name="Rule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "position",
                    models.PositiveIntegerField(help_text="Where it stands in the document; it changes no verdict."),
                ),
                ("body", models.TextField(help_text="Canonical JSON of the piece, its name included.")),
                ("updated_at", models.DateTimeField()),
                ("name", models.CharField(max_length=64, unique=True)),
                (
                    "author",
                    models.ForeignKey(
                        help_text="Who edited it last.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["position", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RuleTest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "position",
                    models.PositiveIntegerField(help_text="Where it stands in the document; it changes no verdict."),
                ),
                ("body", models.TextField(help_text="Canonical JSON of the piece, its name included.")),
                ("updated_at", models.DateTimeField()),
                ("name", models.CharField(max_length=200, unique=True)),
                (
                    "author",
                    models.ForeignKey(
                        help_text="Who edited it last.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "rule test",
                "ordering": ["position", "id"],
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("note", models.TextField(blank=True, help_text="What the policy is for; part of the document.")),
                (
                    "text",
                    models.TextField(
                        blank=True,
                        help_text="YAML as it was applied; published word for word while it says what the rows say.",
                    ),
                ),
                (
                    "revision",
                    models.PositiveIntegerField(
                        default=0, help_text="Moves with every edit; an edit names the one it saw."
                    ),
                ),
                ("updated_at", models.DateTimeField(null=True)),
                (
                    "author",
                    models.ForeignKey(
                        help_text="Who edited it last.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "base",
                    models.ForeignKey(
                        help_text="What it began as.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policy.policyversion",
                    ),
                ),
                (
                    "editors",
                    models.ManyToManyField(
                        help_text="Who edited it since the last publication.",
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "draft",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="draft_only_one")],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        append_only("policy_policyversion"),
    ]
