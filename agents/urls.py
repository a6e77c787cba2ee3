"""The pages about runs, tool calls and pre-authorisations."""

from django.urls import path

from agents.views import approvals, inbox, preauthorizations, runs

urlpatterns = [
    path("", inbox.page, name="inbox"),
    path("approvals/<uuid:request_id>/", approvals.page, name="approval"),
    path("runs/", runs.listing, name="runs"),
    path("runs/new/", runs.new, name="run-new"),
    path("runs/<uuid:run_id>/", runs.page, name="run"),
    path("preauthorizations/", preauthorizations.page, name="preauthorizations"),
    path("preauthorizations/<uuid:jti>/revoke/", preauthorizations.revoke, name="preauthorization-revoke"),
]
