"""A cookie by which a browser is known to have signed in to an account: its own mistakes count apart from strangers'.

It opens nothing: it only says which counter a wrong password goes to (OWASP, "device cookies").
"""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from m1site.accounts import limiting

SALT = "m1.accounts.known_browser"
DAYS = 180


def mark(response: HttpResponseBase, name: str) -> None:
    """Let the browser that gets the response be known for the account of this name."""
    value = signing.dumps([limiting.name_key(name), secrets.token_hex(16)], salt=SALT)
    response.set_cookie(
        settings.M1_KNOWN_BROWSER_COOKIE, value, max_age=DAYS * 24 * 3600, httponly=True, samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def of(request: HttpRequest, name: str) -> str:
    """Return what stands for the browser where it is known for this name, else ""."""
    value = request.COOKIES.get(settings.M1_KNOWN_BROWSER_COOKIE, "")
    try:
        key, browser = signing.loads(value, salt=SALT, max_age=DAYS * 24 * 3600)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(browser) if key == limiting.name_key(name) else ""
