"""The trail in the admin: to find and to read, never to write."""

from __future__ import annotations

import json
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from audit import trail
from audit.events import Event
from audit.models import AuditEvent

if TYPE_CHECKING:
    _EventAdmin = admin.ModelAdmin[AuditEvent]
else:
    _EventAdmin = admin.ModelAdmin

_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


class _BeginsWith(admin.SimpleListFilter):
    """Filter by the part before the dot or colon, from known names: a DISTINCT over the trail would read all of it."""

    parts: tuple[str, ...]
    mark: str

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[AuditEvent]) -> list[tuple[str, str]]:
        """Return the parts to choose from."""
        return [(part, part.replace("_", " ")) for part in self.parts]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """Return the events of the chosen part, of one that is known only."""
        if self.value() not in self.parts:
            return queryset
        return queryset.filter(**{f"{self.parameter_name}__startswith": f"{self.value()}{self.mark}"})


class ActionFilter(_BeginsWith):
    """Filter by what the event is about."""

    title = "what happened"
    parameter_name = "action"
    parts = tuple(dict.fromkeys(event.partition(".")[0] for event in Event))
    mark = "."


class ActorFilter(_BeginsWith):
    """Filter by the kind of actor."""

    title = "who did it"
    parameter_name = "actor"
    parts = ("user", "agent", "system")
    mark = ":"


@admin.register(AuditEvent)
class AuditEventAdmin(_EventAdmin):
    """Events by time, newest first; the page of one shows its payload, and whether both are as they were written."""

    list_display = ("created_at", "action", "actor", "subject")
    list_filter = (ActionFilter, ActorFilter)
    date_hierarchy = "created_at"
    search_fields = ("subject", "actor", "action")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    fields = (
        *("created_at", "action", "actor", "subject", "payload_text", "header_is_intact", "payload_is_intact"),
        *("id", "version", "cluster", "xid", "payload_digest", "mac"),
    )
    readonly_fields = fields

    @admin.display(description="payload")
    def payload_text(self, event: AuditEvent) -> str:
        """Return the payload, indented, with every invisible or direction-changing character spelled out."""
        payload = getattr(event, "payload", None)
        return format_html("<pre>{}</pre>", _readable(bytes(payload.body))) if payload else "removed by retention"

    @admin.display(description="header as written", boolean=True)
    def header_is_intact(self, event: AuditEvent) -> bool:
        """Return whether the MAC fits the header."""
        return trail.mac_is_valid(event)

    @admin.display(description="payload as written", boolean=True)
    def payload_is_intact(self, event: AuditEvent) -> bool | None:
        """Return whether the payload fits the header; None if it is no longer there."""
        payload = getattr(event, "payload", None)
        return trail.payload_is_valid(event, payload) if payload else None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody writes events by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        """Nobody changes an event."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        """Nobody deletes an event."""
        return False


def _readable(body: bytes) -> str:
    text = body.decode("utf-8", "backslashreplace")
    with suppress(ValueError, RecursionError):  # not as written: shown as it is, and payload_is_intact says so
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return "".join(_spelled(character) for character in text)


def _spelled(character: str) -> str:
    unseen = unicodedata.category(character) in _UNSEEN and character != "\n"
    return f"\\u{ord(character):04x}" if unseen else character
