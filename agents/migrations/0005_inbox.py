"""What lists read of a call that waits, in columns of its own and one index: risk, whom it asks, what it is like."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0004_notifications"),
        ("policy", "0002_draft_of_the_next_policy"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AskedGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=32)),
                ("name", models.CharField(max_length=150)),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("name", "key"), name="asked_group_once")],
            },
        ),
        migrations.CreateModel(
            name="RunGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=150)),
                (
                    "run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="asked_groups",
                        to="agents.agentrun",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["name"], name="run_group_by_name")],
                "constraints": [models.UniqueConstraint(fields=("run", "name"), name="run_group_once")],
            },
        ),
        migrations.AddField(
            model_name="toolcall",
            name="agent",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agents.agent",
            ),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="requester",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="asked_key",
            field=models.CharField(
                blank=True, default="", help_text="Of the groups that the round asks.", max_length=32
            ),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="like_key",
            field=models.CharField(
                blank=True, default="", help_text="Of the calls of its agent that ask for exactly the same.", max_length=32
            ),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="rank",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(risk="critical", then=models.Value(0)),
                    models.When(risk="high", then=models.Value(1)),
                    models.When(risk="medium", then=models.Value(2)),
                    default=models.Value(3),
                ),
                help_text="0 for the riskiest.",
                output_field=models.SmallIntegerField(),
            ),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="tool_call_last"
            ),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=[
                    "status", "rank", "expires_at", "request_id", "asked_key", "like_key", "agent", "requester", "allow_self",
                    "revision", "round", "arguments_digest", "tool_name", "risk", "run",
                ],
                name="tool_call_inbox",
            ),
        ),
        append_only("agents_askedgroup"),
        append_only("agents_rungroup"),
    ]  # fmt: skip
