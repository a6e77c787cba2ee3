"""What the pages of the draft have in common: who may do what, and what stands on every page."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from policy import drafts

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin

Account = AbstractUser | AnonymousUser


class DeskAdmin(_Admin):
    """A page of the draft: read by authors, publishers and auditors, edited by authors, by functions only."""

    actions = None
    show_full_result_count = False
    list_per_page = 50

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Tell whether the person may read drafts and versions."""
        return may_read(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Tell whether the person may edit the draft."""
        return may_edit(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell whether the person may edit the draft."""
        return may_edit(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Tell whether the person may edit the draft."""
        return may_edit(request.user)

    def shown(
        self, request: HttpRequest, page: str, title: str, facts: Mapping[str, Any], status: int = 200
    ) -> HttpResponse:
        """Return a page of the desk."""
        given = {
            **self.admin_site.each_context(request), "opts": self.model._meta, "title": title,
            "may_edit": may_edit(request.user), "may_publish": request.user.has_perm(drafts.PUBLISH),
        }  # fmt: skip
        return TemplateResponse(request, f"admin/policy/{page}.html", {**given, **facts}, status=status)


def may_read(user: Account) -> bool:
    """Tell whether somebody may read drafts and published versions."""
    return any(user.has_perm(one) for one in (drafts.READ, drafts.EDIT, drafts.PUBLISH))


def may_edit(user: Account) -> bool:
    """Tell whether somebody may edit the draft."""
    return user.has_perm(drafts.EDIT)


def person(request: HttpRequest, permission: str) -> AbstractUser:
    """Return who asks for a change; raises PermissionDenied without the permission."""
    if not isinstance(request.user, AbstractUser) or not request.user.has_perm(permission):
        raise PermissionDenied
    return request.user


def reader(request: HttpRequest) -> None:
    """Raise PermissionDenied for who may not read drafts and versions."""
    if not may_read(request.user):
        raise PermissionDenied
