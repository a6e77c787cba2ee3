"""The site itself, and the admin with M1's door in front of it."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class M1AdminConfig(AdminConfig):
    """The stock admin, with one way in: see m1site/admin.py."""

    default_site = "m1site.admin.M1AdminSite"


class SiteConfig(AppConfig):
    """What looks across all apps: settings, routes, pages of errors, commands."""

    name = "m1site"
    verbose_name = "M1"

    def ready(self) -> None:
        """Make the Celery app the current one, so that every process that changes something can send messages."""
        import_module("m1site.celery")
