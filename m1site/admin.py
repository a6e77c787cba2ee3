"""The admin site: Django's own, entered by the sign-in page that everybody uses."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class M1AdminSite(AdminSite):
    """The compliance officer's desk."""

    site_title = "M1 admin"
    site_header = "M1"
    index_title = "Everything on record"

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
