"""What allauth asks the site: who may sign in, how often one may be wrong, which proofs count, how secrets are kept."""

from base64 import urlsafe_b64encode
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import qrcode
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.encoding import force_bytes

from m1site.accounts import known_browser, limiting, sessions
from m1site.accounts.models import User

NO_ADDRESS = "0.0.0.0"  # noqa: S104 - what stands for the other side of a socket that has no address
UNREADABLE = "unreadable"
PASSWORD_WAY = "reauthenticate"  # noqa: S105 - what allauth calls it
WAYS = {
    PASSWORD_WAY: "Use your password",
    "mfa_reauthenticate": "Use a code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


class AccountAdapter(DefaultAccountAdapter):
    """Passwords: made by administrators, changed by their owners, guessed by nobody."""

    error_messages = {  # noqa: RUF012 - as allauth declares it
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "The name or the password is wrong. Passwords are case-sensitive.",
        "incorrect_password": "That is not your password. Passwords are case-sensitive.",
        "enter_current_password": "That is not your password. Passwords are case-sensitive.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for themselves."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that the middleware found, which knows the trusted proxies."""
        address = request.META.get("REMOTE_ADDR", "")
        try:
            return str(ip_address(address))
        except ValueError:
            return NO_ADDRESS

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try before the password is looked at. Raises TooManyAttemptsError."""
        name = str(credentials.get("username", ""))
        browser = known_browser.of(request, name)
        self.taken = limiting.take_password(name, self.get_client_ip(request), browser)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the account whose password this is; a right password is not counted."""
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            for one in self.taken:
                one.give_back()
        return user

    def pre_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse | None:
        """Turn away accounts that are switched off, and those of programs: they have API keys."""
        if user.is_active and user.is_person:
            return None
        clear_login(request)
        answer: HttpResponse = self.respond_user_inactive(request, user)
        return answer

    def post_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse:
        """Let the browser be known for the account."""
        response: HttpResponse = super().post_login(request, user, **facts)
        known_browser.mark(response, user.get_username())
        return response

    def set_password(self, user: User, password: str) -> None:
        """Save the password and nothing else: a right that was taken away meanwhile stays away."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the ways to confirm who one is, the best first; a password only where there is no second factor."""
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        told = [{**way, "description": WAYS[way["id"]]} for way in reversed(ways)]
        return [way for way in told if way["id"] != PASSWORD_WAY] or told


class MFAAdapter(DefaultMFAAdapter):
    """Second factors: their secrets are encrypted in the database, by a key that only the web process can make."""

    error_messages = {  # noqa: RUF012 - as allauth declares it
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That did not work: it is wrong, too old, or was used before. Take a new one.",
    }

    def encrypt(self, text: str) -> str:
        """Return the secret as it is kept."""
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret; one that was kept under another SECRET_KEY matches no code."""
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return UNREADABLE

    def get_totp_label(self, user: User) -> str:
        """Return what the authenticator app calls the account."""
        return user.get_username()

    def get_totp_issuer(self) -> str:
        """Return what the authenticator app calls M1."""
        return f"M1 {_host()}"

    def build_totp_svg(self, url: str) -> str:
        """Draw the QR code as part of the page: the strict policy loads no image from text."""
        code = qrcode.QRCode(border=4)
        code.add_data(url)
        rows = code.get_matrix()
        path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
        return render_to_string("mfa/totp/_code.svg", {"size": len(rows), "path": path})

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """Return what a passkey is called until its owner says."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return to whom passkeys belong: the one address that people find M1 at."""
        return {"id": _host(), "name": "M1"}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        """Return whose passkey it is, by name; allauth would tell the e-mail address."""
        names = {"display_name": user.get_full_name() or user.get_username(), "name": user.get_username()}
        return {**super().get_public_key_credential_user_entity(user), **names}


class SessionsAdapter(DefaultUserSessionsAdapter):
    """The list of sessions."""

    def end_sessions(self, ended: list[UserSession]) -> None:
        """End sessions of the person who asks."""
        request = context.request
        sessions.end(ended, request.user, request, "asked")


def _host() -> str:
    return urlsplit(settings.M1_URL).hostname or "localhost"


def _box() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(urlsafe_b64encode(_derived(force_bytes(secret)))) for secret in secrets])


def _derived(secret: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"m1.accounts.second_factor").derive(secret)
