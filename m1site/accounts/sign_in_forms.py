"""Forms of allauth in which one can be wrong: the limits of M1 around them, and each one-time code good for once."""

from typing import Any

from allauth.account.forms import ChangePasswordForm
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.utils import decrypt
from django.core.exceptions import ValidationError
from django.db import transaction

from m1site.accounts import limiting
from m1site.accounts.adapters import UNREADABLE
from m1site.accounts.signals import proof_failed

MAX_CHARACTERS = 40


def matching(user: Any, code: str) -> Authenticator | None:
    """Return the person's second factor that the code belongs to, now spent, or None."""
    plain = _digits(code)
    for factor in Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN):
        if factor.type == Authenticator.Type.TOTP:
            is_right = _is_totp(factor, plain) and limiting.spend(user.pk, plain)
        else:
            is_right = decrypt(factor.data["seed"]) != UNREADABLE and factor.wrap().validate_code(plain)
        if is_right:
            return factor
    return None


def _digits(code: str) -> str:
    """Return what counts of a code as it was typed: one code has one form, or it could be used in each."""
    return "".join(filter(str.isdecimal, code))


def _is_totp(factor: Authenticator, code: str) -> bool:
    secret = decrypt(factor.data["secret"])
    return secret != UNREADABLE and bool(validate_totp_code(secret, code))


class CodeMixin:
    """A code of the authenticator app, or a recovery code."""

    user: Any
    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        """Find the second factor that the code belongs to. Raises TooManyAttemptsError."""
        taken = limiting.take_factor(self.user.pk)
        code = str(self.cleaned_data["code"])[:MAX_CHARACTERS]
        with transaction.atomic():
            self.authenticator = matching(self.user, code)
        if self.authenticator is None:
            proof_failed(self.user, "code")
            raise get_adapter().validation_error("incorrect_code")
        taken.give_back()
        self.authenticator.user = self.user
        return code


class CodeForm(CodeMixin, AuthenticateForm):
    """The second step of a sign-in."""


class ConfirmCodeForm(CodeMixin, ReauthenticateForm):
    """Confirms, within a session, who is there."""


class FirstCodeForm(ActivateTOTPForm):
    """The first code of a new authenticator app."""

    def clean_code(self) -> str:
        """Accept a code that the shown secret gives, once. Raises TooManyAttemptsError."""
        taken = limiting.take_factor(self.user.pk)
        code = _digits(str(self.cleaned_data["code"])[:MAX_CHARACTERS])
        if not validate_totp_code(self.secret, code) or not limiting.spend(self.user.pk, code):
            raise get_adapter().validation_error("incorrect_code")
        taken.give_back()
        return code


class NewPasswordForm(ChangePasswordForm):
    """Changes a password for who knows the old one."""

    def clean_oldpassword(self) -> str:
        """Check the old password under the limits of a sign-in. Raises TooManyAttemptsError."""
        taken = limiting.take_factor(f"password:{self.user.pk}")
        try:
            password: str = super().clean_oldpassword()
        except ValidationError:
            proof_failed(self.user, "password")
            raise
        taken.give_back()
        return password
