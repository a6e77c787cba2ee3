"""Delegations in the admin: who stands in for whom, and when. They are given by the person who is away."""

from django.contrib import admin

from agents.models import Delegation
from policy.readonly import ReadOnlyAdmin
from policy.reveal import reveal


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyAdmin):
    """Delegations, newest first."""

    list_display = ("person", "delegate", "starts_at", "ends_at", "reason_text", "ended_at")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("person", "delegate")
    date_hierarchy = "starts_at"
    search_fields = ("person__username", "delegate__username", "reason")
    ordering = ("-created_at", "-id")
    fields = ("person", "delegate", "reason_text", "starts_at", "ends_at", "created_at", "ended_at", "ended_by")
    readonly_fields = ("reason_text",)

    @admin.display(description="reason")
    def reason_text(self, row: Delegation) -> str:
        """Return why, hidden characters shown."""
        return reveal(row.reason)
