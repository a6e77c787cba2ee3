"""Notifications in the admin: who was told of which call, what failed and why; what was given up can be sent again."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from agents import visibility
from agents.admin.history import link
from agents.models import Notification, NotificationTarget
from agents.notifications import state
from audit.errors import M1Error
from policy.readonly import ReadOnlyAdmin

MAY_SEND = "agents.change_notification"


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Each thing to tell, newest first. What was said stands on the page of the call."""

    list_display = ("created_at", "page", "kind", "target", "state", "error", "attempts", "next_try", "ended_at")
    list_filter = ("state", "kind", ("target", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("call", "target")
    date_hierarchy = "created_at"
    search_fields = ("^call__request_id", "call__headline", "call__tool_name")
    ordering = ("-created_at", "-id")
    actions = ("send_again",)
    fields = (
        *("page", "kind", "round", "number", "target", "state", "error", "attempts"),
        *("created_at", "next_try", "give_up_at", "ended_at"),
    )
    readonly_fields = ("page", "next_try")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        """Return those about what the person may see."""
        return Notification.objects.filter(call__in=visibility.calls_visible_to(request.user))

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Operators and administrators send again."""
        return request.user.has_perm(MAY_SEND)

    @admin.display(description="tool call")
    def page(self, row: Notification) -> SafeString:
        """Return the way to the page of the call."""
        return link("approval", row.call_id, row.call.headline[:120])

    @admin.display(description="next try", ordering="next_at")
    def next_try(self, row: Notification) -> Any:
        """Return when it is tried next, while it waits."""
        return row.next_at if row.state == Notification.State.WAITING else None

    @admin.action(description="Send again what was given up", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        """Let each be tried anew, and say of the others why they are not."""
        if not isinstance(request.user, AbstractUser):  # the admin lets nobody else in
            raise PermissionDenied
        sent = 0
        for row in queryset:
            try:
                state.send_again(row.pk, actor=request.user)
            except M1Error as exc:
                self.message_user(request, f"{row}: {exc}", messages.WARNING)
            else:
                sent += 1
        if sent:
            self.message_user(request, f"{sent} will be sent again.", messages.SUCCESS)


@admin.register(NotificationTarget)
class NotificationTargetAdmin(ReadOnlyAdmin):
    """Who is told, as the worker's setting lists them: labels only, the addresses are secret."""

    list_display = ("label", "for_group", "is_told", "last_sent_at", "failing_since", "last_error")
    list_filter = ("is_retired", ("failing_since", admin.EmptyFieldListFilter))
    search_fields = ("label", "group_name")
    ordering = ("is_retired", "label", "id")
    fields = ("label", "for_group", "is_told", "created_at", "last_sent_at", "failing_since", "last_error")
    readonly_fields = ("for_group", "is_told")

    @admin.display(description="told of", ordering="group_name")
    def for_group(self, row: NotificationTarget) -> str:
        """Return of which calls it is told."""
        return f"what asks {row.group_name}" if row.group_name else "everything"

    @admin.display(boolean=True, description="in use", ordering="is_retired")
    def is_told(self, row: NotificationTarget) -> bool:
        """Tell whether it is in the setting still."""
        return not row.is_retired
