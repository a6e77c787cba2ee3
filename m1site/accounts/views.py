"""A person's own API keys: which there are, to make one, which is shown this once, and to end one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from agents.views.door import Request, signed_in
from audit import clock
from m1site.accounts import api_keys
from m1site.accounts.api_keys import ApiKeyRefusedError
from m1site.accounts.forms import KeyForm
from m1site.accounts.models import ApiKey, User

PER_PAGE = 20


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: Request, /) -> HttpResponseBase:
    """List the person's keys, or make one.

    The answer to the form is the page itself, since a redirect would have to keep the key somewhere on its way.
    """
    person = _person(request)
    if request.method != "POST":
        return _listed(request, person, KeyForm())
    form = KeyForm(request.POST)
    made = _made(person, form) if form.is_valid() else None
    if made is None:
        return _listed(request, person, form, status=400)
    key, plain = made
    return _listed(request, person, KeyForm(), status=201, made=key, plain=plain)


@signed_in
@require_http_methods(["POST"])
def replace(request: Request, /, key_id: UUID) -> HttpResponseBase:
    """Make the successor of one of the person's keys and show it; the old one ends a day later."""
    person = _person(request)
    try:
        key, plain = api_keys.replace(get_object_or_404(ApiKey, pk=key_id, user=person), actor=person)
    except ApiKeyRefusedError as exc:
        return _listed(request, person, KeyForm(), status=409, problem=str(exc))
    return _listed(request, person, KeyForm(), status=201, made=key, plain=plain)


@signed_in
@require_http_methods(["POST"])
def revoke(request: Request, /, key_id: UUID) -> HttpResponseBase:
    """End one of the person's keys at once."""
    person = _person(request)
    api_keys.revoke(get_object_or_404(ApiKey, pk=key_id, user=person), actor=person)
    return redirect("api-keys")


def state(key: ApiKey, now: datetime) -> str:
    """Return revoked, expired or active."""
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at <= now else "active"


def _person(request: Request) -> User:
    if not isinstance(request.user, User) or not request.user.is_person:
        raise PermissionDenied
    return request.user


def _made(person: User, form: KeyForm) -> tuple[ApiKey, str] | None:
    try:
        return api_keys.create(person, **form.cleaned_data)
    except ApiKeyRefusedError as exc:
        form.add_error(str(exc.facts["field"]), str(exc))
        return None


def _listed(request: Request, person: User, form: KeyForm, *, status: int = 200, **more: Any) -> HttpResponse:
    rows = ApiKey.objects.filter(user=person).order_by("-created_at", "-pk")
    page_ = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    now = clock.now()
    keys = [(key, state(key, now)) for key in page_]
    context = {"now": now, "form": form, "page": page_, "rows": keys, "address": settings.M1_URL, **more}
    return render(request, "accounts/keys.html", context, status=status)
