"""Agents, runs, tool calls and what people said of them; what is written once stays as it was written."""

import django.core.validators
import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from audit.triggers import append_only


class Migration(migrations.Migration):
    """Create the tables and the triggers of those that are insert only."""

    initial = True

    dependencies = [
        ("policy", "0001_tools_policies_and_tokens"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ToolCall",
            fields=[
                (
                    "request_id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                ("tool_use_id", models.CharField(help_text="The planner's own name for this call.", max_length=128)),
                ("tool_name", models.CharField(help_text="As it was asked for, known or not.", max_length=200)),
                ("headline", models.CharField(max_length=1000)),
                ("risk", models.CharField(default="critical", max_length=8)),
                ("reason", models.TextField(blank=True, help_text="The agent's own words: untrusted.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("denied", "Denied"),
                            ("pending", "Pending"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("expired", "Expired"),
                            ("cancelled", "Cancelled"),
                            ("executing", "Executing"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("lost", "Lost"),
                        ],
                        default="proposed",
                        max_length=9,
                    ),
                ),
                (
                    "note",
                    models.TextField(
                        blank=True, help_text="Why it was denied, rejected, settled: a sentence for people and agent."
                    ),
                ),
                ("revision", models.PositiveSmallIntegerField(default=1)),
                ("arguments_digest", models.CharField(blank=True, max_length=64)),
                ("round", models.PositiveSmallIntegerField(default=1)),
                ("sign_in_minutes", models.PositiveIntegerField(null=True)),
                ("allow_self", models.BooleanField(default=False)),
                ("preview", models.TextField(blank=True)),
                (
                    "preview_state",
                    models.CharField(
                        choices=[("none", "none"), ("waiting", "waiting"), ("ready", "ready"), ("failed", "failed")],
                        default="none",
                        max_length=8,
                    ),
                ),
                ("expires_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("approved_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "check_row",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policy.policycheck",
                    ),
                ),
            ],
            options={
                "permissions": [("view_bodies", "Can read arguments and results")],
            },
        ),
        migrations.CreateModel(
            name="Agent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.SlugField(max_length=64, unique=True)),
                (
                    "planner",
                    models.CharField(
                        choices=[("claude", "Claude"), ("scripted", "Scripted"), ("external", "External")], max_length=8
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=100)),
                ("system_prompt", models.TextField(blank=True)),
                ("scenario", models.TextField(blank=True, help_text="YAML, for the scripted planner.")),
                ("environment", models.CharField(help_text="Where its tools act, as policy names it.", max_length=64)),
                (
                    "max_turns",
                    models.PositiveSmallIntegerField(
                        default=20,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(200),
                        ],
                    ),
                ),
                (
                    "max_output_tokens",
                    models.PositiveIntegerField(
                        default=8192,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(21333),
                        ],
                    ),
                ),
                (
                    "budget_usd",
                    models.DecimalField(
                        decimal_places=2, default=5, help_text="US dollars a run may spend.", max_digits=12
                    ),
                ),
                (
                    "token_limit",
                    models.PositiveIntegerField(
                        default=1000000,
                        help_text="Tokens a run may use; the limit where the model's price is not known.",
                    ),
                ),
                ("is_enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="owned_agents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "service_account",
                    models.ForeignKey(
                        blank=True,
                        help_text="The account by which an external planner proposes.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("tools", models.ManyToManyField(blank=True, related_name="agents", to="policy.tool")),
            ],
        ),
        migrations.CreateModel(
            name="AgentRun",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("goal", models.TextField()),
                (
                    "config",
                    models.TextField(
                        help_text="The agent as it was: planner, model, prompt, scenario, tools with schemas, limits."
                    ),
                ),
                (
                    "planner",
                    models.CharField(
                        choices=[("claude", "Claude"), ("scripted", "Scripted"), ("external", "External")], max_length=8
                    ),
                ),
                ("environment", models.CharField(max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planning", "Planning"),
                            ("waiting", "Waiting"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="planning",
                        max_length=9,
                    ),
                ),
                (
                    "waiting_for",
                    models.CharField(
                        blank=True,
                        choices=[("calls", "Calls"), ("budget", "Budget"), ("external", "External")],
                        max_length=8,
                    ),
                ),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("answered", "Answered"),
                            ("refused", "Refused"),
                            ("budget", "Budget"),
                            ("turn_limit", "Turn Limit"),
                            ("model_error", "Model Error"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=11,
                    ),
                ),
                ("answer", models.TextField(blank=True, help_text="The agent's last words.")),
                ("problem", models.TextField(blank=True, help_text="Why it failed, in one sentence.")),
                ("turn_count", models.PositiveSmallIntegerField(default=0)),
                ("budget_usd", models.DecimalField(decimal_places=2, max_digits=12)),
                ("cost_usd", models.DecimalField(decimal_places=8, default=0, max_digits=16)),
                ("tokens_used", models.PositiveBigIntegerField(default=0)),
                (
                    "planner_failures",
                    models.PositiveSmallIntegerField(default=0, help_text="In a row, at the present turn."),
                ),
                ("claimed_by", models.CharField(blank=True, max_length=200)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("request_key", models.UUIDField(blank=True, null=True, unique=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="agents.agent"
                    ),
                ),
                (
                    "preauthorization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policy.approvaltoken",
                    ),
                ),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="runs", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Execution",
            fields=[
                (
                    "call",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="execution",
                        serialize=False,
                        to="agents.toolcall",
                    ),
                ),
                ("claimed_by", models.CharField(max_length=200)),
                ("lease_until", models.DateTimeField()),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("is_cancel_asked", models.BooleanField(default=False)),
                ("output", models.TextField(blank=True)),
                ("output_bytes", models.PositiveBigIntegerField(default=0)),
                ("output_digest", models.CharField(blank=True, max_length=64)),
                ("is_truncated", models.BooleanField(default=False)),
                ("error_code", models.CharField(blank=True, max_length=32)),
                ("error", models.TextField(blank=True)),
            ],
        ),
        migrations.AddField(
            model_name="toolcall",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="tool_calls", to="agents.agentrun"
            ),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="tool_version",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="policy.toolversion"
            ),
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("round", models.PositiveSmallIntegerField()),
                ("person_name", models.CharField(help_text="The name at that time.", max_length=300)),
                ("answer", models.CharField(choices=[("approve", "Approve"), ("reject", "Reject")], max_length=7)),
                (
                    "kind",
                    models.CharField(
                        choices=[("vote", "Vote"), ("preauthorization", "Preauthorization")],
                        default="vote",
                        max_length=16,
                    ),
                ),
                (
                    "surface",
                    models.CharField(
                        choices=[
                            ("web", "Web"),
                            ("admin", "Admin"),
                            ("cli", "Cli"),
                            ("api", "Api"),
                            ("planner", "ahead of time"),
                        ],
                        max_length=8,
                    ),
                ),
                ("comment", models.TextField(blank=True)),
                ("digest_seen", models.CharField(max_length=64)),
                ("is_self_approval", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "token",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="policy.approvaltoken",
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="agents.toolcall"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Halt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to="agents.agent"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "tool",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to="policy.tool"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Outbox",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("task", models.CharField(max_length=32)),
                (
                    "key",
                    models.UUIDField(help_text="The run or request it is about; the message carries nothing else."),
                ),
                ("created_at", models.DateTimeField()),
                ("next_at", models.DateTimeField(help_text="When it is sent again, if nobody has taken it by then.")),
                ("sends", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["next_at"], name="outbox_due"),
                    models.Index(fields=["task", "key"], name="outbox_by_key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Requirement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round", models.PositiveSmallIntegerField()),
                ("count", models.PositiveSmallIntegerField()),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="requirements", to="agents.toolcall"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RequirementGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=150)),
                (
                    "requirement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="groups", to="agents.requirement"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ToolCallRevision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "arguments",
                    models.BinaryField(help_text="RFC 8785 canonical JSON; for a malformed call, what the agent sent."),
                ),
                ("digest", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                (
                    "author",
                    models.ForeignKey(
                        help_text="Null: the agent.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="revisions", to="agents.toolcall"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Turn",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("request", models.TextField(blank=True, help_text="Wire JSON of the user message that was sent.")),
                ("reply", models.TextField(blank=True, help_text="Wire JSON of the reply, verbatim.")),
                ("stop_reason", models.CharField(max_length=64)),
                (
                    "text",
                    models.TextField(
                        blank=True, help_text="What a person reads: the agent's words and summarised thinking."
                    ),
                ),
                ("model", models.CharField(blank=True, max_length=200)),
                ("message_id", models.CharField(blank=True, max_length=200)),
                ("provider_request_id", models.CharField(blank=True, max_length=200)),
                ("retries", models.PositiveSmallIntegerField(default=0)),
                ("input_tokens", models.PositiveBigIntegerField(default=0)),
                ("output_tokens", models.PositiveBigIntegerField(default=0)),
                ("cache_read_tokens", models.PositiveBigIntegerField(default=0)),
                ("cache_write_5m_tokens", models.PositiveBigIntegerField(default=0)),
                ("cache_write_1h_tokens", models.PositiveBigIntegerField(default=0)),
                (
                    "rates",
                    models.JSONField(default=dict, help_text="US dollars per million tokens, by kind, as texts."),
                ),
                (
                    "cost_usd",
                    models.DecimalField(
                        decimal_places=8, help_text="Null: the price is not known.", max_digits=16, null=True
                    ),
                ),
                ("latency_ms", models.PositiveIntegerField(default=0)),
                ("is_scripted", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("request_key", models.UUIDField(blank=True, null=True, unique=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="turns", to="agents.agentrun"
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
            },
        ),
        migrations.AddField(
            model_name="toolcall",
            name="turn",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="tool_calls", to="agents.turn"
            ),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=models.Q(("planner__in", ["claude", "scripted", "external"])), name="agent_planner_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("planner", "external"), _negated=True),
                    ("service_account__isnull", False),
                    _connector="OR",
                ),
                name="agent_external_has_account",
            ),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_usd__gte", 0)), name="agent_budget_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="agentrun",
            index=models.Index(fields=["-created_at"], name="run_by_time"),
        ),
        migrations.AddIndex(
            model_name="agentrun",
            index=models.Index(fields=["agent", "-created_at"], name="run_by_agent"),
        ),
        migrations.AddIndex(
            model_name="agentrun",
            index=models.Index(fields=["requester", "-created_at"], name="run_by_requester"),
        ),
        migrations.AddIndex(
            model_name="agentrun",
            index=models.Index(
                condition=models.Q(("status__in", ["planning", "waiting"])),
                fields=["status", "lease_until"],
                name="run_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="agentrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["planning", "waiting", "completed", "failed", "cancelled"])),
                name="run_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="agentrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "waiting"), ("waiting_for__in", ["calls", "budget", "external"])),
                    models.Q(models.Q(("status", "waiting"), _negated=True), ("waiting_for", "")),
                    _connector="OR",
                ),
                name="run_waits_for_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="agentrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("end_reason__in", ["answered", "refused", "budget", "turn_limit", "model_error", "cancelled"]),
                        ("ended_at__isnull", False),
                        ("status__in", ["completed", "failed", "cancelled"]),
                    ),
                    models.Q(("end_reason", ""), ("ended_at__isnull", True), ("status__in", ["planning", "waiting"])),
                    _connector="OR",
                ),
                name="run_ends_with_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="agentrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("status", "planning"), ("lease_until__isnull", True), _connector="OR"),
                name="run_lease_while_planning",
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="settled_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="execution",
            name="token",
            field=models.ForeignKey(
                help_text="What allowed it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="policy.approvaltoken",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.UniqueConstraint(
                fields=("call", "round", "person"), name="decision_once_per_person_and_round"
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("answer__in", ["approve", "reject"])), name="decision_answer_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "preauthorization"), ("token__isnull", False)),
                    models.Q(("kind", "vote"), ("token__isnull", True)),
                    _connector="OR",
                ),
                name="decision_preauthorization_has_token",
            ),
        ),
        migrations.AddConstraint(
            model_name="halt",
            constraint=models.CheckConstraint(
                condition=models.Q(("agent__isnull", True), ("tool__isnull", True), _connector="OR"),
                name="halt_one_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="requirement",
            constraint=models.CheckConstraint(condition=models.Q(("count__gte", 1)), name="requirement_asks_someone"),
        ),
        migrations.AddIndex(
            model_name="requirementgroup",
            index=models.Index(fields=["name"], name="requirement_group_by_name"),
        ),
        migrations.AddConstraint(
            model_name="requirementgroup",
            constraint=models.UniqueConstraint(fields=("requirement", "name"), name="requirement_group_once"),
        ),
        migrations.AddConstraint(
            model_name="toolcallrevision",
            constraint=models.UniqueConstraint(fields=("call", "number"), name="revision_number_once"),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.UniqueConstraint(fields=("run", "number"), name="turn_number_once"),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(fields=["run", "created_at"], name="tool_call_by_run"),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(fields=["status", "created_at"], name="tool_call_by_status"),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("status__in", ["pending", "approved"])),
                fields=["expires_at"],
                name="tool_call_expiring",
            ),
        ),
        migrations.AddConstraint(
            model_name="toolcall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "proposed",
                            "denied",
                            "pending",
                            "approved",
                            "rejected",
                            "expired",
                            "cancelled",
                            "executing",
                            "succeeded",
                            "failed",
                            "lost",
                        ],
                    )
                ),
                name="tool_call_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="toolcall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["pending", "approved"]), _negated=True),
                    ("expires_at__isnull", False),
                    _connector="OR",
                ),
                name="tool_call_open_until",
            ),
        ),
        migrations.AddConstraint(
            model_name="toolcall",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["proposed", "denied"]), ("tool_version__isnull", False), _connector="OR"
                ),
                name="tool_call_asks_for_known_tool",
            ),
        ),
        migrations.AddConstraint(
            model_name="toolcall",
            constraint=models.UniqueConstraint(fields=("turn", "position"), name="tool_call_position_once"),
        ),
        migrations.AddConstraint(
            model_name="toolcall",
            constraint=models.UniqueConstraint(fields=("turn", "tool_use_id"), name="tool_call_use_id_once"),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", True)), fields=["lease_until"], name="execution_running"
            ),
        ),
        append_only("agents_toolcallrevision"),
        append_only("agents_decision"),
        append_only("agents_turn"),
        append_only("agents_requirement"),
        append_only("agents_requirementgroup"),
    ]
