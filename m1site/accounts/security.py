"""A person's own security: one page that leads to everything, how to confirm who one is, the end of sessions."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from agents.views.door import Request, signed_in
from audit import clock
from m1site.accounts import sessions
from m1site.accounts.adapters import PASSWORD_WAY
from m1site.accounts.models import User


@signed_in
@require_safe
def page(request: Request, /) -> HttpResponseBase:
    """Show what protects the account, and lead to each part of it."""
    person = _person(request)
    factors = list(Authenticator.objects.filter(user=person).order_by("created_at"))
    by_type = {kind: [one for one in factors if one.type == kind] for kind in Authenticator.Type.values}
    codes = by_type["recovery_codes"]
    context: dict[str, Any] = {
        "now": clock.now(), "totp": next(iter(by_type["totp"]), None), "passkeys": by_type["webauthn"],
        "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else None,
        "identities": SocialAccount.objects.filter(user=person), "has_password": person.has_usable_password(),
        "sessions": len(UserSession.objects.purge_and_list(person)),
    }  # fmt: skip
    return render(request, "accounts/security.html", context)


@signed_in
@require_safe
def step_up(request: Request, /) -> HttpResponseBase:
    """Lead to the second factor and back to where the person came from; who has none is shown how to set one up."""
    back = get_next_redirect_url(request) or "/"
    ways = get_adapter().get_reauthentication_methods(request.user)
    way = next((way for way in ways if way["id"] != PASSWORD_WAY), None)
    if way is None:
        return render(request, "accounts/step_up.html", {"back": back})
    return redirect(f"{way['url']}?{urlencode({'next': back})}")


@signed_in
@require_POST
def sign_out_everywhere(request: Request, /) -> HttpResponseBase:
    """End every session of the person, this one too."""
    with transaction.atomic():
        sessions.end_all(request, _person(request))
        logout(request)
    return redirect("login")


@require_safe
def password_reset(request: HttpRequest) -> HttpResponse:
    """Tell whom to ask for a new password: M1 sends no mail."""
    return render(request, "account/password_reset.html")


@signed_in
@require_safe
def no_password(request: Request, /) -> HttpResponseBase:
    """Tell somebody who signs in elsewhere that there is no password to change."""
    return render(request, "account/password_set.html")


def _person(request: Request) -> User:
    if not isinstance(request.user, User) or not request.user.is_person:
        raise PermissionDenied
    return request.user
