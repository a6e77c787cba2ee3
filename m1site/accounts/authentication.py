"""Who calls REST, and what an API key may do there."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from audit.errors import M1Error
from m1site.accounts.models import ApiKey, User
from m1site.faults import CHALLENGE
from m1site.problems import CsrfFailedError


class ScopeMissingError(M1Error):
    """This API key may not do this: it lacks the scope {scope}."""

    code = "scope_missing"
    http_status = 403


class ApiKeyOrSession(BaseAuthentication):
    """The account of the API key that the middleware found, else that of the session."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey | None] | None:
        """Return the account and its key, if it came by one; None for nobody. Raises CsrfFailedError."""
        key: ApiKey | None = getattr(request._request, "api_key", None)
        if key is not None:
            return key.user, key
        user = getattr(request._request, "user", None)
        if user is None or not user.is_authenticated or not user.is_active:
            return None
        _check_csrf(request._request)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return CHALLENGE


def needs(**scopes: str) -> type[BasePermission]:
    """Return the permission of a view: signed in, and by a session or by a key with the scope that its method needs.

    scopes  by method, as in needs(get="read", post="propose"); a method without one is refused
    """

    class NeedsScope(BasePermission):
        """Ask the key for its scope."""

        def has_permission(self, request: Request, view: Any) -> bool:
            """Tell whether the caller is known; raises ScopeMissingError for a key without the scope."""
            if not request.user or not request.user.is_authenticated:
                return False
            method = (request.method or "").lower()
            scope = scopes.get("get" if method in ("head", "options") else method)
            if scope is None:
                return not hasattr(view, method)  # then the answer is 405
            if isinstance(request.auth, ApiKey) and scope not in request.auth.scopes:
                raise ScopeMissingError(scope=scope)
            return True

    return NeedsScope


def _check_csrf(request: HttpRequest) -> None:
    check = CSRFCheck(lambda _: HttpResponse())
    check.process_request(request)
    if check.process_view(request, lambda *_: HttpResponse(), (), {}):
        raise CsrfFailedError()


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document tells of it."""

    target_class = ApiKeyOrSession
    name = ["apiKey", "session"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """Return both ways in."""
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key of M1."},
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        ]
