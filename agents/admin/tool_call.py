"""Tool calls in the admin; to approve or reject some is an action with a confirmation page that shows each."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from agents import visibility
from agents.admin import deciding
from agents.admin.history import link
from agents.models import ToolCall
from policy.readonly import ReadOnlyAdmin
from policy.reveal import reveal


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnlyAdmin):
    """Calls, newest first. Arguments and previews are on the page of the call, for those who may read them."""

    list_display = ("created_at", "page", "tool_name", "risk", "status", "agent", "requester", "expires_at", "ended_at")
    list_filter = ("status", "risk", ("tool_version__tool", admin.RelatedOnlyFieldListFilter), "run__agent")
    list_select_related = ("run__agent", "run__requester")
    date_hierarchy = "created_at"
    search_fields = ("^request_id", "headline", "tool_name", "^arguments_digest", "run__requester__username")
    ordering = ("-created_at", "-request_id")
    actions = ("approve", "reject")
    fields = (
        *("page", "story", "tool_name", "tool_version", "risk", "status", "note_text", "agent_reason"),
        *("arguments_digest", "revision", "round", "preview_state"),
        *("created_at", "expires_at", "approved_at", "ended_at"),
    )
    readonly_fields = ("page", "story", "note_text", "agent_reason")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ToolCall]:
        """Return what the person may see."""
        return visibility.calls_visible_to(request.user).defer("preview")

    @admin.display(description="tool call")
    def page(self, call: ToolCall) -> SafeString:
        """Return the way to the page of the call."""
        return link("approval", call.pk, reveal(call.headline[:120], one_line=True))

    @admin.display(description="run")
    def story(self, call: ToolCall) -> SafeString:
        """Return the way to the page of its run."""
        return link("run", call.run_id, "The whole story")

    @admin.display(ordering="run__agent__name")
    def agent(self, call: ToolCall) -> str:
        """Return the agent's name."""
        return call.run.agent.name

    @admin.display(ordering="run__requester__username")
    def requester(self, call: ToolCall) -> str:
        """Return who asked."""
        return str(call.run.requester)

    @admin.display(description="agent's reason, untrusted")
    def agent_reason(self, call: ToolCall) -> str:
        """Return the agent's words, hidden characters shown."""
        return reveal(call.reason)

    @admin.display(description="note")
    def note_text(self, call: ToolCall) -> str:
        """Return why it ended as it did."""
        return reveal(call.note)

    @admin.action(description="Approve the selected tool calls…")
    def approve(self, request: HttpRequest, queryset: QuerySet[ToolCall]) -> HttpResponse | None:
        """Show each, then record a yes to each."""
        return deciding.decide(self, request, queryset, "approve")

    @admin.action(description="Reject the selected tool calls…")
    def reject(self, request: HttpRequest, queryset: QuerySet[ToolCall]) -> HttpResponse | None:
        """Show each, then record a no to each."""
        return deciding.decide(self, request, queryset, "reject")
