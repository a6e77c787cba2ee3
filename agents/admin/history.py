"""Runs and executions in the admin, each with the way to the whole story."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents import visibility
from agents.models import AgentRun, Execution
from policy.readonly import ReadOnlyAdmin
from policy.reveal import reveal


def link(name: str, key: object, words: str) -> SafeString:
    """Return a link to a page of M1."""
    return format_html('<a href="{}">{}</a>', reverse(name, args=[key]), words)


@admin.register(AgentRun)
class AgentRunAdmin(ReadOnlyAdmin):
    """Runs, newest first."""

    list_display = (
        "created_at", "story", "agent", "requester", "status", "end_reason", "turn_count", "cost_usd", "budget_usd",
    )  # fmt: skip
    list_filter = ("status", "end_reason", "planner", "environment", ("agent", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("agent", "requester")
    date_hierarchy = "created_at"
    search_fields = ("^id", "goal", "agent__name", "requester__username")
    ordering = ("-created_at", "-id")
    fields = (
        *("story", "agent", "requester", "goal_text", "planner", "environment", "status", "waiting_for", "end_reason"),
        *("answer_text", "problem", "turn_count", "cost_usd", "budget_usd", "tokens_used", "created_at", "ended_at"),
    )
    readonly_fields = ("story", "goal_text", "answer_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentRun]:
        """Return what the person may see."""
        return visibility.runs_visible_to(request.user).defer("config")

    @admin.display(description="goal")
    def story(self, run: AgentRun) -> SafeString:
        """Return the way to the page of the run."""
        return link("run", run.pk, reveal(run.goal[:80], one_line=True))

    @admin.display(description="goal")
    def goal_text(self, run: AgentRun) -> str:
        """Return the goal, hidden characters shown."""
        return reveal(run.goal)

    @admin.display(description="answer")
    def answer_text(self, run: AgentRun) -> str:
        """Return the agent's last words, hidden characters shown."""
        return reveal(run.answer)


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    """What ran, when, by which worker. Outputs are on the page of the call, for those who may read them."""

    list_display = (
        "started_at", "finished_at", "page", "status", "error_code", "output_bytes", "is_truncated", "claimed_by",
    )  # fmt: skip
    list_filter = ("call__status", "error_code", "is_truncated", ("finished_at", admin.EmptyFieldListFilter))
    list_select_related = ("call",)
    date_hierarchy = "started_at"
    search_fields = ("^call__request_id", "call__tool_name", "claimed_by")
    ordering = ("-started_at",)
    fields = (
        *("page", "status", "token", "claimed_by", "lease_until", "started_at", "finished_at", "is_cancel_asked"),
        *("tries", "output_bytes", "output_digest", "is_truncated", "error_code", "settled_by"),
    )
    readonly_fields = ("page", "status")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        """Return the executions of what the person may see, without their outputs."""
        return Execution.objects.filter(call__in=visibility.calls_visible_to(request.user)).defer("output", "error")

    @admin.display(description="tool call")
    def page(self, execution: Execution) -> SafeString:
        """Return the way to the page of the call."""
        return link("approval", execution.pk, reveal(execution.call.headline[:80], one_line=True))

    @admin.display
    def status(self, execution: Execution) -> str:
        """Return the state of the call."""
        return execution.call.get_status_display()
