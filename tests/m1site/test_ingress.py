"""Every way in is known and asks who is there: a new route fails here until somebody has said what it does."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLResolver, get_resolver

from agents.models import Decision
from audit.models import AuditEvent
from m1site.accounts.models import ApiKey
from tests.m1site.conftest import Site
from tests.m1site.rest import Rest, assert_problem

# What a route does at most. door: who is there; decides: records a decision; changes: anything else; reads: nothing.
ROUTES = """
decides  approvals/<uuid:request_id>/ batch/
changes  approvals/<uuid:request_id>/edit/ runs/new/ runs/<uuid:run_id>/ preauthorizations/
changes  preauthorizations/<uuid:jti>/revoke/ halts/ halts/<uuid:halt_id>/lift/ away/ away/<uuid:delegation_id>/end/
changes  approvals/<uuid:request_id>/dossier/ api/m1/tool-calls/<uuid:request_id>/dossier
reads    / runs/
door     accounts/login/ accounts/logout/ accounts/inactive/ accounts/password/reset/ accounts/oidc/login/
door     accounts/oidc/login/callback/ accounts/oidc/cancelled/ accounts/2fa/authenticate/ accounts/2fa/webauthn/login/
reads    accounts/ accounts/2fa/ accounts/2fa/recovery-codes/ accounts/2fa/recovery-codes/download/
reads    accounts/2fa/webauthn/
changes  accounts/confirm/ accounts/reauthenticate/ accounts/password/change/ accounts/password/none/ accounts/keys/
changes  accounts/keys/<uuid:key_id>/replace/ accounts/keys/<uuid:key_id>/revoke/ accounts/sessions/
changes  accounts/sessions/end/ accounts/2fa/reauthenticate/ accounts/2fa/totp/activate/ accounts/2fa/totp/deactivate/
changes  accounts/2fa/recovery-codes/generate/ accounts/2fa/webauthn/add/ accounts/2fa/webauthn/reauthenticate/
changes  accounts/2fa/webauthn/keys/<int:pk>/remove/ accounts/2fa/webauthn/keys/<int:pk>/edit/
door     admin/login/ admin/logout/
reads    admin/ admin/jsi18n/ admin/autocomplete/ admin/r/<path:content_type_id>/<path:object_id>/
reads    admin/password_change/done/ admin/(?P<url>.*)$ admin/app/ admin/policy/replay/ admin/oversight/
changes  admin/password_change/ admin/accounts/user/<id>/password/
changes  admin/policy/draft/ admin/policy/draft/apply/ admin/policy/draft/export/ admin/policy/draft/note/
changes  admin/policy/draft/publish/ admin/policy/draft/reset/ admin/policy/ruletest/run/
reads    admin/policy/policyversion/<uuid:version_id>/export/ admin/policy/policyversion/diff/
decides  api/m1/tool-calls/<uuid:request_id>/approve api/m1/tool-calls/<uuid:request_id>/reject
decides  api/m1/tool-calls/<uuid:request_id>/break-glass api/m1/runs/<uuid:run_id>/tool-calls
changes  api/m1/runs api/m1/runs/<uuid:run_id>/cancel api/m1/runs/<uuid:run_id>/finish
changes  api/m1/tool-calls/<uuid:request_id>/edit api/m1/tool-calls/<uuid:request_id>/review
changes  api/m1/tool-calls/<uuid:request_id>/reopen api/m1/tool-calls/<uuid:request_id>/settle
changes  api/m1/tool-calls/<uuid:request_id>/cancel
changes  api/m1/delegations api/m1/delegations/<uuid:delegation_id> api/m1/preauthorizations
changes  api/m1/tokens/<uuid:jti>/revoke api/m1/halts api/m1/halts/<uuid:halt_id>
changes  api/m1/policy/draft api/m1/policy/draft/reset api/m1/policy/draft/publish
reads    api/m1/runs/<uuid:run_id> api/m1/tool-calls api/m1/tool-calls/<uuid:request_id> api/m1/tokens
reads    api/m1/tokens/<uuid:jti> api/m1/dashboard/oversight api/m1/policy/active api/m1/policy/versions
reads    api/m1/policy/versions/<int:number> api/m1/policy/diff api/m1/policy/document-schema api/m1/policy/test
reads    api/m1/policy/replay api/m1/policy/check api/m1/audit/events api/m1/schema api/m1/docs
probe    health health/live
"""
KIND = {route: kind for kind, *routes in map(str.split, ROUTES.strip().splitlines()) for route in routes}
# In the admin: of every model the six pages of Django's; only ToolCall's list decides, by an action.
MODELS = set(
    "accounts.ApiKey accounts.User agents.Agent agents.AgentRun agents.Decision agents.Delegation agents.Execution "
    "agents.Halt agents.Notification agents.NotificationTarget agents.ToolCall audit.AuditEvent auth.Group "
    "mfa.Authenticator policy.ApprovalToken policy.Draft policy.PolicyCheck policy.PolicyVersion policy.Rule "
    "policy.RuleTest policy.Tool policy.ToolVersion "
    "socialaccount.SocialAccount".split()
)
EACH = "<path:object_id>/"
PAGES = ("", "add/", EACH, f"{EACH}change/", f"{EACH}delete/", f"{EACH}history/")
REFUSED = (301, 302, 401, 403, 404, 405)


def routes(patterns: list[Any] | None = None, before: str = "") -> Iterator[str]:
    """Yield every route of M1, as its patterns are written."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield "admin/app/" if "(?P<app_label>" in route else route or "/"


def of_models() -> set[str]:
    names = [name.lower().replace(".", "/") for name in MODELS - {"policy.Draft"}]  # whose pages are all our own
    return {f"admin/{name}/{page}" for name in names for page in PAGES}


def address(route: str, key: object) -> str:
    """Return an address that the route answers to."""
    route = route.replace("(?P<url>.*)$", "nowhere").replace("admin/app/", "admin/agents/").lstrip("/")
    return "/" + re.sub(r"<(\w+:)?\w+>", lambda found: "1" if found[1] in ("int:", "path:") else str(key), route)


def test_every_route_is_known() -> None:
    assert {f"{model._meta.app_label}.{model.__name__}" for model in admin.site._registry} == MODELS
    assert set(routes()) == KIND.keys() | of_models()


@pytest.mark.django_db
def test_nobody_comes_in_without_being_somebody(site: Site) -> None:
    call, nobody = site.pending(), Client(raise_request_exception=False)
    before = AuditEvent.objects.exclude(action="attack.refused").count()
    for route in routes():
        if KIND.get(route) in ("door", "probe"):
            continue
        path = "/" + address(route, call.pk).removeprefix("/")
        for method in ("get", "post", "put", "delete") if route.startswith("api/") else ("get", "post"):
            answer = getattr(nobody, method)(path)
            assert answer.status_code in REFUSED, (method, path, answer.status_code)
            if answer.status_code in (301, 302) and not answer.url.startswith(path):
                assert re.match(r"/accounts/$|/(accounts|admin)/login/", answer.url), (method, path, answer.url)
            assert str(call.pk) not in answer.content.decode()
    assert AuditEvent.objects.exclude(action="attack.refused").count() == before


@pytest.mark.django_db
def test_a_key_without_scopes_opens_nothing_and_a_key_opens_no_page(site: Site) -> None:
    call, bare = site.pending(), Rest(site.world.ava, scopes=("read",))
    ApiKey.objects.filter(pk=bare.key.pk).update(scopes=[])
    for route in routes():
        path = address(route, call.pk)
        if route.startswith("api/"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                answer = bare.raw(method, path.removeprefix("/api/m1/"), b"{}")
                assert answer.status_code in (403, 405), (method, path, answer.status_code)
                if answer.status_code == 403:
                    assert_problem(answer, 403, "scope_missing")
        elif KIND.get(route) not in ("door", "probe"):
            for method in ("get", "post"):
                answer = getattr(site.ava.client, method)(path, headers=site.ava.headers)
                assert answer.status_code in REFUSED, (method, path, answer.status_code)
    assert not Decision.objects.exists()
