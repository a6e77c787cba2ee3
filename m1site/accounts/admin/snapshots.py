"""Accounts and groups as facts for the trail: what was there before an edit, and what is there after it."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet

from m1site.accounts.models import User

PLAIN = ("username", "kind", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser")
MOST_MEMBERS = 500


def of_account(user: User) -> dict[str, Any]:
    """Return all that can be edited of an account, but its password."""
    facts: dict[str, Any] = {name: getattr(user, name) for name in PLAIN}
    groups = sorted(user.groups.values_list("name", flat=True))
    return facts | {"groups": groups, "user_permissions": labels(user.user_permissions.all())}


def of_group(group: Group) -> dict[str, Any]:
    """Return a group's name and what its members may."""
    return {"name": group.name, "permissions": labels(group.permissions.all())}


def members(group: Group) -> list[str]:
    """Return the names of the first members."""
    return list(group.user_set.order_by("username").values_list("username", flat=True)[:MOST_MEMBERS])


def labels(permissions: QuerySet[Permission]) -> list[str]:
    """Return permissions as app.codename, sorted."""
    rows = permissions.values_list("content_type__app_label", "codename")
    return sorted(f"{app}.{codename}" for app, codename in rows)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `before` and `after`, of what is not the same."""
    names = [name for name in after if before.get(name) != after[name]]
    return {"before": {name: before.get(name) for name in names}, "after": {name: after[name] for name in names}}
