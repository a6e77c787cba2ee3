"""Accounts in the admin: who there is, in which groups, with which API keys; each edit an event."""

from m1site.accounts.admin.api_key import ApiKeyAdmin
from m1site.accounts.admin.group import M1GroupAdmin
from m1site.accounts.admin.user import M1UserAdmin

__all__ = ["ApiKeyAdmin", "M1GroupAdmin", "M1UserAdmin"]
