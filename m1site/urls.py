"""Every route of M1."""

from django.contrib import admin
from django.urls import include, path

from agents.admin import oversight, replay

urlpatterns = [
    path("", include("agents.urls")),
    path("accounts/", include("m1site.accounts.urls")),
    path("admin/policy/replay/", admin.site.admin_view(replay.page), name="policy-replay"),
    path("admin/oversight/", admin.site.admin_view(oversight.page), name="oversight"),
    path("admin/", admin.site.urls),
    path("api/m1/", include("m1site.api")),
    path("", include("m1site.health")),
]

handler400 = "m1site.problems.bad_request"
handler500 = "m1site.problems.server_error"
