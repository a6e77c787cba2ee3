"""Tools, policies, verdicts and tokens in the admin. Only the allowlist changes here, by its own functions."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.errors import M1Error
from policy import allowlist
from policy.models import ApprovalToken, PolicyCheck, PolicyVersion, Tool, ToolVersion
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


@admin.register(ToolVersion)
class ToolVersionAdmin(ReadOnlyAdmin):
    """Definitions by digest; whoever may change them enables and disables them here."""

    list_display = ("tool", "short_digest", "state", "risk", "created_at")
    list_filter = ("state", "tool")
    list_select_related = ("tool",)
    search_fields = ("tool__name", "^digest")
    ordering = ("tool__name", "-created_at")
    actions = ("enable", "disable")

    @admin.display(description="digest")
    def short_digest(self, version: ToolVersion) -> str:
        """Return the beginning of the digest."""
        return version.digest[:12]

    @admin.display
    def risk(self, version: ToolVersion) -> str:
        """Return what the tool's author said."""
        return str(version.declared.get("risk", ""))

    def has_allow_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may change the allowlist."""
        return request.user.has_perm("policy.change_toolversion")

    @admin.action(description="Enable: calls of these versions may be proposed", permissions=["allow"])
    def enable(self, request: HttpRequest, queryset: QuerySet[ToolVersion]) -> None:
        """Put the chosen versions on the allowlist."""
        self._set(request, queryset, ToolVersion.State.ENABLED)

    @admin.action(description="Disable: no call of these versions is proposed or runs", permissions=["allow"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ToolVersion]) -> None:
        """Take the chosen versions off the allowlist."""
        self._set(request, queryset, ToolVersion.State.DISABLED)

    def _set(self, request: HttpRequest, queryset: QuerySet[ToolVersion], state: ToolVersion.State) -> None:
        for version in queryset:
            try:
                allowlist.set_state(version.pk, state, actor=f"user:{request.user.pk}")
            except M1Error as exc:
                self.message_user(request, f"{version}: {exc}", messages.WARNING)
            else:
                self.message_user(request, f"{version} is {state.label.lower()} now.", messages.SUCCESS)


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    """Published policies; the highest number is in force."""

    list_display = ("number", "digest", "author", "publisher", "published_at", "note")
    list_select_related = ("author", "publisher")
    date_hierarchy = "published_at"
    search_fields = ("^digest", "note", "document")


@admin.register(PolicyCheck)
class PolicyCheckAdmin(ReadOnlyAdmin):
    """Every evaluation, with all that it answered."""

    list_display = ("created_at", "tool_name", "outcome", "phase", "policy_version", "microseconds", "request_id")
    list_filter = ("outcome", "phase", "policy_version")
    list_select_related = ("policy_version",)
    date_hierarchy = "created_at"
    search_fields = ("^request_id", "tool_name", "^arguments_digest")
    ordering = ("-created_at", "-id")


@admin.register(ApprovalToken)
class ApprovalTokenAdmin(ReadOnlyAdmin):
    """The ledger. The signed text itself is shown nowhere."""

    list_display = (
        "issued_at", "kind", "person", "uses", "max_uses", "expires_at", "used_at", "revoked_at", "request_id",
    )  # fmt: skip
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter), ("used_at", admin.EmptyFieldListFilter))
    list_select_related = ("person",)
    date_hierarchy = "issued_at"
    search_fields = ("^jti", "^request_id", "person__username", "note")
    ordering = ("-issued_at", "-jti")
    exclude = ("token",)
