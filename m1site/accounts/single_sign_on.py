"""Signing in by the OpenID provider: there and back, with one clear page for whatever goes wrong on the way."""

import logging
from collections.abc import Callable

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from m1site.accounts.provider import Adapter, identifier

log = logging.getLogger(__name__)
BROKEN = (RequestException, OAuth2Error, ImproperlyConfigured, KeyError, ValueError, TypeError, AttributeError)


@never_cache
@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Send the person to the provider.

    By GET: a form that is answered with a redirect to elsewhere is stopped by `form-action 'self'`. All that a foreign
    page can begin this way is the person's own sign-in.
    """
    return _guarded(request, OAuth2LoginView.adapter_view)


@never_cache
@require_safe
def end(request: HttpRequest) -> HttpResponse:
    """Take the person back, signed in, or told why not."""
    return _guarded(request, OAuth2CallbackView.adapter_view)


def _guarded(request: HttpRequest, view: Callable[..., Callable[[HttpRequest], HttpResponse]]) -> HttpResponse:
    """Answer by the view of allauth; a provider that is away or talks nonsense is no fault of M1's."""
    if not settings.M1_OIDC_URL:
        raise Http404
    try:
        return view(Adapter(request, identifier()))(request)
    except SocialApp.DoesNotExist as exc:
        raise Http404 from exc
    except BROKEN as exc:
        log.warning("the OpenID provider could not be used: %s: %.300s", type(exc).__name__, exc)
        return render(request, "socialaccount/authentication_error.html", status=502)
