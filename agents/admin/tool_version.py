"""Versions of tools in the admin: what each declares, what it changes, and the switch, with what that will do."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents import tool_versions
from agents.models import ToolCall
from audit import canonical
from audit.errors import M1Error
from policy import allowlist, tool_changes
from policy.models import ToolVersion
from policy.readonly import ReadOnlyAdmin

MOST = 20
MAY = "policy.change_toolversion"


@admin.register(ToolVersion)
class ToolVersionAdmin(ReadOnlyAdmin):
    """Definitions by digest; whoever may change the allowlist enables and disables them here."""

    list_display = ("tool", "short_digest", "state", "risk", "created_at")
    list_filter = ("state", "tool")
    list_select_related = ("tool",)
    search_fields = ("tool__name", "^digest")
    ordering = ("tool__name", "-created_at")
    actions = ("enable", "disable")
    change_form_template = "admin/policy/tool_version.html"
    fields = ("tool", "state", "digest", "created_at", "declaration_text")
    readonly_fields = ("declaration_text",)

    @admin.display(description="digest")
    def short_digest(self, version: ToolVersion) -> str:
        """Return the beginning of the digest."""
        return version.digest[:12]

    @admin.display
    def risk(self, version: ToolVersion) -> str:
        """Return what the tool's author said."""
        return str(version.declared.get("risk", ""))

    @admin.display(description="as declared")
    def declaration_text(self, version: ToolVersion) -> SafeString:
        """Return the canonical declaration, which the digest covers."""
        return format_html('<code class="m1-verbatim">{}</code>', version.declaration)

    def has_allow_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may change the allowlist."""
        return request.user.has_perm(MAY)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show what the version declares, and what that changes, above its fields."""
        version = kwargs.get("obj")
        given = {**context, **compared(version), "may_allow": request.user.has_perm(MAY)} if version else context
        return super().render_change_form(request, given, *args, **kwargs)

    @admin.action(description="Enable: calls of these versions may be proposed…", permissions=["allow"])
    def enable(self, request: HttpRequest, queryset: QuerySet[ToolVersion]) -> HttpResponse | None:
        """Show what the chosen versions change, then put them on the allowlist."""
        return self._switch(request, queryset, ToolVersion.State.ENABLED)

    @admin.action(description="Disable: no call of these versions is proposed or runs…", permissions=["allow"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ToolVersion]) -> HttpResponse | None:
        """Show how many open calls end, then take the chosen versions off the allowlist."""
        return self._switch(request, queryset, ToolVersion.State.DISABLED)

    def _switch(
        self, request: HttpRequest, queryset: QuerySet[ToolVersion], state: ToolVersion.State
    ) -> HttpResponse | None:
        chosen = list(queryset.exclude(state=state).select_related("tool").order_by("tool__name", "created_at")[:MOST])
        if not chosen:
            self.message_user(request, f"None of the selected versions needs that: they are {state}.", messages.WARNING)
            return None
        if "confirmed" in request.POST:
            self._confirmed(request, chosen, state)
            return None
        word = "Enable" if state == ToolVersion.State.ENABLED else "Disable"
        title = f"{word} {len(chosen)} tool version{pluralize(len(chosen))}"
        context = {
            **self.admin_site.each_context(request), "title": title,
            "shown": [compared(one) | {"open_calls": _open_calls(one)} for one in chosen], "action": word.lower(),
            "opts": self.opts, "checkbox": ACTION_CHECKBOX_NAME, "left_out": max(0, queryset.count() - MOST),
        }  # fmt: skip
        return TemplateResponse(request, "admin/policy/tool_version_switch.html", context)

    def _confirmed(self, request: HttpRequest, chosen: list[ToolVersion], state: ToolVersion.State) -> None:
        """Switch what the confirmation page showed."""
        seen = frozenset(request.POST.getlist("seen"))
        for version in (one for one in chosen if str(one.pk) in seen):
            try:
                said = _switched(version, state, f"user:{request.user.pk}")
            except M1Error as exc:
                self.message_user(request, f"{version}: {exc}", messages.WARNING)
            else:
                self.message_user(request, f"{version} is {state} now.{said}", messages.SUCCESS)


def compared(version: ToolVersion) -> dict[str, Any]:
    """Return a version with what differs from the newest enabled one of its tool; all of it where there is none."""
    others = [one for one in allowlist.enabled(version.tool.name) if one.pk != version.pk]
    other = others[0] if others else None
    return {
        "version": version, "other": other, "changes": tool_changes.changes(other, version),
        "declared": version.declared, "schema": canonical.encode(version.declared.get("schema", {})).decode(),
    }  # fmt: skip


def _switched(version: ToolVersion, state: ToolVersion.State, actor: str) -> str:
    if state == ToolVersion.State.ENABLED:
        tool_versions.enable(version.pk, actor=actor)
        return ""
    ended = tool_versions.disable(version.pk, actor=actor)
    return f" {ended} open calls were denied." if ended else ""


def _open_calls(version: ToolVersion) -> int:
    return ToolCall.objects.filter(tool_version=version, status__in=tool_versions.OPEN).count()
