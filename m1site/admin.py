"""The admin site: Django's own, entered by the sign-in page that everybody uses."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from agents.notifications import state
from m1site import holdings


class M1AdminSite(AdminSite):
    """The compliance officer's desk."""

    site_title = "M1 admin"
    site_header = "M1"
    index_title = "Everything on record"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show everything there is, and above it who could sign, and which targets of notifications have a problem."""
        may_see = request.user.has_perm("agents.view_notification")
        problems = [one for one in state.targets() if one.problem] if may_see else []
        more = {"notification_problems": problems, "may_sign": holdings.may_sign()}
        return super().index(request, {**(extra_context or {}), **more})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send people to the one sign-in page; those who may not enter are told so there."""
        del extra_context
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME, "/admin/"), "/accounts/login/")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send people to the one page that changes a password, with its limits and its event."""
        del extra_context
        return redirect("account_change_password")
