"""The site itself, and the admin with M1's door in front of it."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig

from agents.sandbox import host


class M1AdminConfig(AdminConfig):
    """The stock admin, with one way in: see m1site/admin.py."""

    default_site = "m1site.admin.M1AdminSite"


class SiteConfig(AppConfig):
    """What looks across all apps: settings, routes, pages of errors, commands."""

    name = "m1site"
    verbose_name = "M1"

    def ready(self) -> None:
        """Let every process that changes something send messages, and let no tool read the memory of one in a role."""
        import_module("m1site.celery")
        import_module("m1site.accounts.factors_admin")  # after the admin found the pages of all apps
        if settings.M1_ROLE:
            host.hide_memory()
