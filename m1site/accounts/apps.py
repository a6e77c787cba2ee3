"""The accounts app: people, service accounts, their API keys."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "m1site.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Listen to sign-ins; only now are there models to write events with."""
        import_module("m1site.accounts.signals")
