"""What tests of signing in share: a browser at the form, a person with an authenticator app, what the trail tells."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from audit.models import AuditEvent
from m1site.accounts.models import User
from tests.factories import PASSWORD

LOGIN, STEP_TWO = "/accounts/login/", "/accounts/2fa/authenticate/"
CONFIRM = "/accounts/2fa/reauthenticate/"
SECRET = "JBSWY3DPEHPK3PXP"


def give_password(client: Client, name: str = "ava", password: str = PASSWORD, **more: Any) -> HttpResponse:
    """Fill in the sign-in form."""
    return client.post(LOGIN, {"login": name, "password": password}, **more)


def entered(name: str = "ava", **more: Any) -> Client:
    """Return a browser in which somebody has signed in by the form, with a code where they have an app."""
    client = Client(**more)
    if give_password(client, name)["Location"].startswith(STEP_TWO):
        assert client.post(STEP_TWO, {"code": code()}).status_code == 302
    return client


def with_app(user: User) -> User:
    """Give the person an authenticator app and recovery codes."""
    with transaction.atomic():
        TOTP.activate(user, SECRET)
        RecoveryCodes.activate(user)
    return user


def code(step: int = 0) -> str:
    """Return what the app shows `step` half minutes from now."""
    return format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + step))


def recovery_codes(user: User) -> list[str]:
    """Return the codes that were not used."""
    found: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return found


def is_in(client: Client) -> bool:
    """Tell whether the browser's session still opens a page."""
    return client.get("/accounts/password/none/").status_code == 200


def events(*but: str) -> list[str]:
    """Return what the trail says of people, oldest first."""
    told = AuditEvent.objects.filter(action__startswith="user.").order_by("id").values_list("action", flat=True)
    return [action.removeprefix("user.") for action in told if action.removeprefix("user.") not in but]
