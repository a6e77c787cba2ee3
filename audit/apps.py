"""The audit app."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The lowest layer: it remembers, and imports nothing of ours."""

    name = "audit"
    verbose_name = "Audit trail"
