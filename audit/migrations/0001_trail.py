"""The trail: headers and payloads, append-only from their first row."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

import audit.fields
from audit.triggers import append_only


class Migration(migrations.Migration):
    """Create both tables, their indexes and their triggers."""

    initial = True

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveSmallIntegerField(help_text="Version of the header's form.")),
                ("created_at", models.DateTimeField(help_text="The database's time when the event was written.")),
                ("action", models.CharField(max_length=64)),
                ("actor", models.CharField(max_length=64)),
                ("subject", models.CharField(max_length=240)),
                (
                    "payload_digest",
                    models.CharField(help_text="SHA-256 of the payload's salt and bytes.", max_length=64),
                ),
                (
                    "cluster",
                    models.CharField(
                        help_text="Which database cluster gave the transaction its number.", max_length=20
                    ),
                ),
                (
                    "xid",
                    audit.fields.TransactionIdField(help_text="The number of the transaction that wrote the event."),
                ),
                (
                    "mac",
                    models.CharField(help_text="HMAC-SHA256 of the header, until the event is sealed.", max_length=64),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "get_latest_by": "created_at",
                "indexes": [
                    models.Index(fields=["created_at", "id"], name="audit_event_time"),
                    models.Index(fields=["subject", "id"], name="audit_event_subject"),
                    models.Index(fields=["cluster", "xid", "id"], name="audit_event_order"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditPayload",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="payload",
                        serialize=False,
                        to="audit.auditevent",
                    ),
                ),
                ("salt", models.BinaryField(max_length=32)),
                ("body", models.BinaryField()),
            ],
            options={"default_permissions": ("view",)},
        ),
        append_only("audit_auditevent"),
        append_only("audit_auditpayload"),
    ]
