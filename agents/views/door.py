"""What every page has in common: who may come in, and how a live part of a page is sent only when it has changed."""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeAlias

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from agents.approval.sign_in import SignIn
from audit.once import for_this_page

SAFE = ("GET", "HEAD")
P = ParamSpec("P")
# Ages run on by themselves in the browser; a page that nothing happened to is not sent again for them.
_AGE = re.compile(rb'<span class="age">[^<]*</span>')


class Request(HttpRequest):
    """A request that came through `signed_in`."""

    user: AbstractUser  # type: ignore[assignment]
    htmx: HtmxDetails
    sign_in: SignIn | None


View: TypeAlias = Callable[Concatenate[Request, P], HttpResponseBase]


def signed_in(view: View[P]) -> View[P]:
    """Ask for a sign-in first; a live part of a page reloads the whole page for it. Nothing is kept by caches."""

    @wraps(view)
    def answer(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.pk is None:  # an anonymous visitor
            return HttpResponseClientRefresh() if request.htmx else redirect_to_login(request.get_full_path())
        if request.method not in SAFE:
            return view(request, *args, **kwargs)
        with for_this_page():
            return view(request, *args, **kwargs)

    return never_cache(answer)


def live(request: Request, template: str, context: Mapping[str, Any]) -> HttpResponse:
    """Return a live part of a page, or 304 when it is as the browser has it."""
    body = render_to_string(template, dict(context), request).encode()
    etag = f'"{hashlib.sha256(_AGE.sub(b"", body)).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    return HttpResponse(body, headers={"ETag": etag})
