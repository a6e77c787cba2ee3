"""The names on the allowlist. Versions are enabled and disabled in the agents app, which has open calls to deny."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from policy.models import Tool, ToolVersion
from policy.readonly import ReadOnlyAdmin


@admin.register(Tool)
class ToolAdmin(ReadOnlyAdmin):
    """The names on the allowlist."""

    list_display = ("name", "enabled_versions", "created_at")
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tool]:
        """Load the versions with the tools."""
        tools: QuerySet[Tool] = super().get_queryset(request)
        return tools.prefetch_related("versions")

    @admin.display(description="enabled")
    def enabled_versions(self, tool: Tool) -> str:
        """Return the short digests of the versions that may be proposed."""
        enabled = (one.digest[:12] for one in tool.versions.all() if one.state == ToolVersion.State.ENABLED)
        return ", ".join(enabled) or "none"
