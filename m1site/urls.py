"""Every route of M1."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from agents.admin import replay
from m1site.accounts import views as accounts

urlpatterns = [
    path("", include("agents.urls")),
    path("accounts/login/", LoginView.as_view(template_name="accounts/login.html"), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/keys/", accounts.page, name="api-keys"),
    path("accounts/keys/<uuid:key_id>/revoke/", accounts.revoke, name="api-key-revoke"),
    path("admin/policy/replay/", admin.site.admin_view(replay.page), name="policy-replay"),
    path("admin/", admin.site.urls),
    path("api/m1/", include("m1site.api")),
    path("", include("m1site.health")),
]

handler400 = "m1site.problems.bad_request"
handler500 = "m1site.problems.server_error"
