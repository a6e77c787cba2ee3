"""What tests of the admin of accounts share: people at their desks, and forms as a browser would send them back."""

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.test import Client

from audit.models import AuditEvent
from m1site.accounts.models import User
from tests.agents.pages import client_of
from tests.factories import make_user

USERS, GROUPS = "/admin/accounts/user/", "/admin/auth/group/"
PASSWORD = "another-long-password-2"
NEW_PASSWORD = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}


def desk_of(name: str, *groups: str, **fields: Any) -> Client:
    """Return the browser of a new member of the staff."""
    return client_of(make_user(name, *groups, is_staff=True, **fields))


def page_of(row: Model) -> str:
    """Return the address where an account or a group is changed."""
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def form_on(page: Any) -> dict[str, Any]:
    """Return what a browser sends when nothing on the page is changed."""
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields if not form.fields[name].disabled}
    return {name: _sent(value) for name, value in values.items() if value not in (None, False)}


def edit(client: Client, row: Model, **changes: Any) -> HttpResponse:
    """Change something on a page; None leaves a box empty."""
    sent = form_on(client.get(page_of(row))) | {name: _sent(value) for name, value in changes.items()}
    return client.post(page_of(row), {name: value for name, value in sent.items() if value is not None})


def rights(user: User) -> dict[str, Any]:
    """Return what an account may and who it is, as it stands in the database."""
    facts = User.objects.filter(pk=user.pk).values().get()
    fresh = User.objects.get(pk=user.pk)
    facts |= {"groups": sorted(fresh.groups.values_list("name", flat=True))}
    facts |= {"user_permissions": sorted(fresh.user_permissions.values_list("codename", flat=True))}
    return {name: value for name, value in facts.items() if name != "last_login"}


def groups_of(user: User) -> set[str]:
    """Return the names of the groups that an account is in now."""
    return set(User.objects.get(pk=user.pk).groups.values_list("name", flat=True))


def told(action: str) -> list[dict[str, Any]]:
    """Return the facts of the events of a name, oldest first."""
    rows = AuditEvent.objects.filter(action=action).order_by("created_at", "id")
    return [json.loads(bytes(row.payload.body)) for row in rows]


def errors_on(page: Any) -> dict[str, list[str]]:
    """Return what a form that comes back says is wrong, by field; nothing if it was accepted."""
    if page.status_code == 302:
        return {}
    return {name: list(found) for name, found in page.context["adminform"].form.errors.items()}


def _sent(value: Any) -> Any:
    if isinstance(value, QuerySet) or (isinstance(value, Iterable) and not isinstance(value, str)):
        return [str(getattr(one, "pk", one)) for one in value]
    return "on" if value is True else None if value is False else value
