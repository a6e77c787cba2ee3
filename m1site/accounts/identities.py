"""Which account an identity of the OpenID provider belongs to. None is ever made: administrators make accounts.

An identity is the provider's `sub`, and once linked it stays with its account. The first time it is linked to the one
active person whose e-mail address in M1, which only superusers set, is the one that the provider says it has
verified (or, with M1_OIDC_LINK_BY=preferred_username, whose name is the provider's preferred_username). An account that
has an identity already gets no second one by itself: an address that was given to somebody else opens nothing.
"""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import render

from audit import trail
from audit.events import Event
from m1site.accounts.models import User
from m1site.accounts.provider import Provider, app, identifier


class IdentityAdapter(DefaultSocialAccountAdapter):
    """What allauth asks about identities from elsewhere."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Nobody makes an account for themselves."""
        return False

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[Any]:
        """Return the provider of the settings, and none that stands in the database."""
        return [_app()] if settings.M1_OIDC_URL and provider in (None, identifier()) else []

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the account of the identity. Raises ImmediateHttpResponse, with a page, where there is none."""
        sociallogin.state["process"] = AuthProcess.LOGIN  # nothing else can be asked for by an address
        if sociallogin.is_existing:
            return
        claims = sociallogin.account.extra_data["id_token"]
        person = link(sociallogin.account, claims)
        if person is None:
            by_name = settings.M1_OIDC_LINK_BY == "preferred_username"
            who = claims.get("preferred_username" if by_name else "email", "")
            context = {"who": who, "by_name": by_name, "is_verified": claims.get("email_verified")}
            raise ImmediateHttpResponse(render(request, "socialaccount/refused.html", context, status=403))
        sociallogin.user = person


@transaction.atomic
def link(identity: SocialAccount, claims: dict[str, Any]) -> User | None:
    """Link the identity to the account that it belongs to, and return that; None, with an event, for nobody's."""
    person = _person(identity, claims)
    if person is None:
        facts = {"by": "openid_connect", "identity": identity.uid, "provider": identity.provider}
        trail.append(Event.USER_SIGN_IN_FAILED, actor="system:web", subject="user:unknown", **facts)
        return None
    identity.user = person
    identity.save()
    who = f"user:{person.pk}"
    trail.append(Event.USER_IDENTITY_LINKED, actor=who, subject=who, identity=identity.uid, provider=identity.provider)
    return person


def _person(identity: SocialAccount, claims: dict[str, Any]) -> User | None:
    theirs = _theirs(claims)
    if theirs is None:
        return None
    people = User.objects.select_for_update().filter(theirs, kind=User.Kind.PERSON, is_active=True)
    found = list(people[:2])
    if len(found) != 1 or SocialAccount.objects.filter(user=found[0], provider=identity.provider).exists():
        return None
    return found[0]


def _theirs(claims: dict[str, Any]) -> Q | None:
    if settings.M1_OIDC_LINK_BY == "preferred_username":
        name = claims.get("preferred_username")
        return Q(username=name) if name else None
    email = claims.get("email")
    return Q(email__iexact=email) if email and claims.get("email_verified") is True else None


def _app() -> SocialApp:
    return SocialApp(provider=Provider.id, **app())
