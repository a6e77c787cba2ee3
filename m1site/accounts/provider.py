"""The OpenID provider of the settings, as allauth knows them: code flow with PKCE, a nonce, a verified ID token."""

import hashlib
from typing import Any

from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from m1site.accounts import id_token

KEPT = ("email", "email_verified", "preferred_username", "name")
MAX_CHARACTERS = 254


def identifier() -> str:
    """Return the provider's name in the database: another provider's people are others, whatever their `sub`."""
    return f"oidc-{hashlib.sha256(settings.M1_OIDC_URL.encode()).hexdigest()[:16]}"


def nonce_of(state: str | None) -> str:
    """Return what the ID token must repeat: bound to the state, which is of one session and good for once."""
    return salted_hmac("m1.accounts.nonce", str(state), algorithm="sha256").hexdigest()


class Client(OAuth2Client):
    """Sends people to the provider."""

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        """Return the address, with the nonce."""
        url: str = super().get_redirect_url(authorization_url, scope, {**extra_params, "nonce": nonce_of(self.state)})
        return url


class Adapter(OpenIDConnectOAuth2Adapter):
    """Talks with the provider."""

    client_class = Client

    @property
    def openid_config(self) -> dict[str, Any]:
        """Return what the provider tells of itself. Raises OAuth2Error for one that tells of another."""
        config = super().openid_config
        if not isinstance(config, dict) or str(config.get("issuer", "")).rstrip("/") != settings.M1_OIDC_URL:
            raise OAuth2Error("the provider's issuer is not M1_OIDC_URL")
        return config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        """Return where the provider sends people back to: the one address of M1, whatever the Host header says."""
        return f"{settings.M1_URL}{reverse('oidc-callback')}"

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> SocialLogin:
        """Return who signed in there. Raises OAuth2Error."""
        config = self.openid_config
        claims = id_token.verified(
            kwargs["response"].get("id_token"), issuer=config["issuer"], audience=app.client_id,
            nonce=nonce_of(request.GET.get("state")), keys_url=config["jwks_uri"],
        )  # fmt: skip
        if "email" not in claims and config.get("userinfo_endpoint"):
            claims = {**self._told_more(token.token, claims["sub"]), **claims}
        return self.get_provider().sociallogin_from_response(request, {"id_token": _plain(claims)})

    def _told_more(self, access_token: str, subject: str) -> dict[str, Any]:
        """Return what else the provider tells, if it is of the same person (OpenID Connect Core 1.0, section 5.3.2)."""
        told = self._fetch_user_info(access_token)
        if not isinstance(told, dict) or told.get("sub") != subject:
            raise OAuth2Error("the provider tells of somebody else")
        return told


class Provider(OpenIDConnectProvider):
    """The provider; what an address says about scope and parameters is not believed."""

    id = "m1_oidc"
    oauth2_adapter_class = Adapter
    supports_token_authentication = False

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        """Return where a sign-in begins."""
        return reverse("oidc-login")

    def get_callback_url(self) -> str:
        """Return where it ends."""
        return reverse("oidc-callback")

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Return what the settings say."""
        params: dict[str, str] = self.get_auth_params()
        return params

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """Return what the settings say."""
        scope: list[str] = self.get_scope()
        return scope

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return what is kept of the claims: enough to tell people whom they signed in as."""
        return {"id_token": {name: data["id_token"][name] for name in KEPT if name in data["id_token"]}}


def app() -> dict[str, Any]:
    """Return the provider as allauth's settings have it."""
    return {
        "provider_id": identifier(), "name": settings.M1_OIDC_NAME, "client_id": settings.M1_OIDC_CLIENT_ID,
        "secret": settings.M1_OIDC_CLIENT_SECRET,
        "settings": {"server_url": settings.M1_OIDC_URL, "oauth_pkce_enabled": True},
    }  # fmt: skip


def _plain(claims: dict[str, Any]) -> dict[str, Any]:
    """Return the claims that M1 reads, those of them that are what they should be."""
    texts = {name: claims.get(name) for name in ("sub", "email", "preferred_username", "name")}
    kept: dict[str, Any] = {
        name: text for name, text in texts.items() if isinstance(text, str) and len(text) <= MAX_CHARACTERS
    }
    return {**kept, "email_verified": claims.get("email_verified") is True}


provider_classes = [Provider]
