"""Who is at the door: the account of an API key under /api/, else that of the session, and how it signed in."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from m1site import faults, problems
from m1site.accounts import api_keys, sessions
from m1site.accounts.api_keys import InvalidApiKeyError
from m1site.problems import GetResponse

PROBES = "/health"  # they are answered without the database


class ApiKeyMiddleware:
    """Set request.user and request.api_key by the Authorization header; a wrong one never falls back to the session."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        request.api_key = None  # type: ignore[attr-defined]
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is not None and problems.is_api(request):
            try:
                _identify(request, header)
            except (InvalidApiKeyError, *faults.DATABASE_AWAY) as exc:
                if (answer := problems.answer(request, exc)) is None:
                    raise
                return answer
        return self.get_response(request)


class SignInMiddleware:
    """End sessions that have lasted too long, and set request.sign_in; None for nobody and for API keys."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        request.sign_in = None  # type: ignore[attr-defined]
        has_session = settings.SESSION_COOKIE_NAME in request.COOKIES and request.api_key is None  # type: ignore[attr-defined]
        if has_session and not request.path_info.startswith(PROBES):
            sessions.keep_or_end(request)
            request.sign_in = sessions.sign_in_of(request)  # type: ignore[attr-defined]
        return self.get_response(request)


def _identify(request: HttpRequest, header: str) -> None:
    scheme, _, plain = header.partition(" ")
    key = api_keys.find(plain.strip()) if scheme.lower() == "bearer" else None
    if key is None:
        raise InvalidApiKeyError()
    request.user = key.user
    request.api_key = key  # type: ignore[attr-defined]
