"""What a person had before them when they decided, and how they looked at it; and ways to find earlier calls fast."""

from django.db import migrations, models

from audit.triggers import append_only, lift


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_approval_authority")]

    operations = [
        lift("agents_decision"),
        migrations.AddField(
            model_name="decision",
            name="focus_seconds",
            field=models.FloatField(
                null=True, help_text="How long of that it had the focus, as the client reports it; null: not known."
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="expanded",
            field=models.JSONField(
                default=list, help_text="Names of the folded parts that were opened, as the client reports them."
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="shown_digest",
            field=models.CharField(
                max_length=64, blank=True, help_text="Keyed digest of all that the page showed; empty: not known."
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="shown_bytes",
            field=models.PositiveBigIntegerField(null=True, help_text="How long that was, as canonical JSON."),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                name="decision_focus_within_open",
                condition=models.Q(
                    ("focus_seconds__isnull", True), ("focus_seconds__lte", models.F("open_seconds")), _connector="OR"
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                name="decision_shown_has_length",
                condition=models.Q(("shown_digest", ""), ("shown_bytes__isnull", False), _connector="OR"),
            ),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                fields=["tool_name", "-ended_at"],
                name="tool_call_ended",
                condition=models.Q(("ended_at__isnull", False)),
            ),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                fields=["tool_name", "arguments_digest"],
                name="tool_call_rejected",
                condition=models.Q(("status", "rejected")),
            ),
        ),
        append_only("agents_decision"),
    ]
