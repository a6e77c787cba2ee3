"""The policy app: what may be proposed, and what must be asked."""

from django.apps import AppConfig


class PolicyConfig(AppConfig):
    name = "policy"
    verbose_name = "Policy"
