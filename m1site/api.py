"""Every REST route, and the scope that an API key needs for it."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from agents.api import answering, check, delegations, halts, oversight, preauthorizations, replay, runs, tool_calls
from audit import api as audit_api
from m1site.accounts.authentication import needs
from m1site.parsers import LargeJSONParser
from policy.api import draft, tokens, versions

DOCS = SpectacularSwaggerSplitView  # its script apart, and a page of ours without inline styles: the CSP refuses both
READ = [needs(get="read")]
ASK = [needs(post="read")]
PROPOSE = [needs(post="propose")]
DECIDE = [needs(post="decide")]
READ_OR_DECIDE = [needs(get="read", post="decide")]
AUTHOR = [needs(post="policy")]
LARGE = {"parser_classes": [LargeJSONParser]}  # a policy has room for ten thousand rules

urlpatterns = [
    path("runs", runs.Runs.as_view(permission_classes=[needs(get="read", post="propose")])),
    path("runs/<uuid:run_id>", runs.Run.as_view(permission_classes=READ)),
    path("runs/<uuid:run_id>/cancel", runs.Cancel.as_view(permission_classes=PROPOSE)),
    path("runs/<uuid:run_id>/tool-calls", runs.Proposals.as_view(permission_classes=PROPOSE)),
    path("runs/<uuid:run_id>/finish", runs.Finish.as_view(permission_classes=PROPOSE)),
    path("tool-calls", tool_calls.ToolCalls.as_view(permission_classes=READ)),
    path("tool-calls/<uuid:request_id>", tool_calls.OneCall.as_view(permission_classes=READ)),
    path("tool-calls/<uuid:request_id>/dossier", tool_calls.Dossier.as_view(permission_classes=READ)),
    path("tool-calls/<uuid:request_id>/approve", answering.Approve.as_view(permission_classes=DECIDE)),
    path("tool-calls/<uuid:request_id>/reject", answering.Reject.as_view(permission_classes=DECIDE)),
    path("tool-calls/<uuid:request_id>/edit", answering.Edit.as_view(permission_classes=DECIDE)),
    path("tool-calls/<uuid:request_id>/break-glass", answering.BreakGlass.as_view(permission_classes=DECIDE)),
    path("tool-calls/<uuid:request_id>/review", answering.Review.as_view(permission_classes=DECIDE)),
    path("tool-calls/<uuid:request_id>/reopen", answering.Reopen.as_view(permission_classes=DECIDE)),
    path("tool-calls/<uuid:request_id>/cancel", answering.Cancel.as_view(permission_classes=PROPOSE)),
    path("tool-calls/<uuid:request_id>/settle", answering.Settle.as_view(permission_classes=DECIDE)),
    path("delegations", delegations.Delegations.as_view(permission_classes=READ_OR_DECIDE)),
    path(
        "delegations/<uuid:delegation_id>",
        delegations.OneDelegation.as_view(permission_classes=[needs(delete="decide")]),
    ),
    path("preauthorizations", preauthorizations.Preauthorizations.as_view(permission_classes=READ_OR_DECIDE)),
    path("tokens", tokens.Tokens.as_view(permission_classes=READ)),
    path("tokens/<uuid:jti>", tokens.OneToken.as_view(permission_classes=READ)),
    path("tokens/<uuid:jti>/revoke", tokens.Revoke.as_view(permission_classes=DECIDE)),
    path("halts", halts.Halts.as_view(permission_classes=[needs(get="read", post="operate")])),
    path("halts/<uuid:halt_id>", halts.OneHalt.as_view(permission_classes=[needs(delete="operate")])),
    path("dashboard/oversight", oversight.Oversight.as_view(permission_classes=READ)),
    path("policy/active", versions.ActivePolicy.as_view(permission_classes=READ)),
    path("policy/versions", versions.Versions.as_view(permission_classes=READ)),
    path("policy/versions/<int:number>", versions.OneVersion.as_view(permission_classes=READ)),
    path("policy/diff", versions.Differences.as_view(permission_classes=READ)),
    path("policy/document-schema", versions.DocumentSchema.as_view(permission_classes=READ)),
    path("policy/draft", draft.OneDraft.as_view(permission_classes=[needs(get="read", put="policy")], **LARGE)),
    path("policy/draft/reset", draft.Reset.as_view(permission_classes=AUTHOR)),
    path("policy/draft/publish", draft.Publish.as_view(permission_classes=AUTHOR)),
    path("policy/test", draft.Test.as_view(permission_classes=ASK, **LARGE)),
    path("policy/replay", replay.Replay.as_view(permission_classes=ASK, **LARGE)),
    path("policy/check", check.DryRun.as_view(permission_classes=ASK)),
    path("audit/events", audit_api.Events.as_view(permission_classes=READ)),
    path("schema", SpectacularAPIView.as_view(permission_classes=READ), name="schema"),
    path("docs", DOCS.as_view(url_name="schema", template_name="api_docs.html", permission_classes=READ), name="docs"),
]
