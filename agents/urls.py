"""The pages about runs, tool calls, pre-authorisations, halts and stand-ins."""

from django.urls import path

from agents.views import approvals, away, batch, dossiers, edit, halts, inbox, preauthorizations, runs

urlpatterns = [
    path("", inbox.page, name="inbox"),
    path("batch/", batch.page, name="batch"),
    path("approvals/<uuid:request_id>/", approvals.page, name="approval"),
    path("approvals/<uuid:request_id>/dossier/", dossiers.page, name="dossier"),
    path("approvals/<uuid:request_id>/edit/", edit.page, name="edit"),
    path("runs/", runs.listing, name="runs"),
    path("runs/new/", runs.new, name="run-new"),
    path("runs/<uuid:run_id>/", runs.page, name="run"),
    path("preauthorizations/", preauthorizations.page, name="preauthorizations"),
    path("preauthorizations/<uuid:jti>/revoke/", preauthorizations.revoke, name="preauthorization-revoke"),
    path("halts/", halts.page, name="halts"),
    path("halts/<uuid:halt_id>/lift/", halts.lift, name="halt-lift"),
    path("away/", away.page, name="away"),
    path("away/<uuid:delegation_id>/end/", away.end, name="away-end"),
]
