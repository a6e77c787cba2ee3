"""What happens at the door, as events. Django and allauth tell of it by signals only; here they are heard."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.userkit import get_user_by_username
from allauth.account.signals import authentication_step_completed, password_changed
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from audit import trail
from audit.events import Event
from m1site.accounts import sessions
from m1site.accounts.models import User

WEB = "system:web"
PASSKEY = (Event.USER_PASSKEY_ADDED, Event.USER_PASSKEY_REMOVED)
OTHER_FACTOR = (Event.USER_SECOND_FACTOR_ADDED, Event.USER_SECOND_FACTOR_REMOVED)


@receiver(user_logged_in)
@transaction.atomic
def signed_in(sender: object, request: HttpRequest, user: User, **kwargs: object) -> None:
    """Write that someone signed in, and begin to count the age of the session."""
    proofs = [record.get("type", record["method"]) for record in get_authentication_records(request, user)]
    sessions.begin(request)
    trail.append(Event.USER_SIGNED_IN, actor=_user(user), subject=_user(user), by=proofs)


@receiver(authentication_step_completed)
def proved(sender: object, request: HttpRequest, **kwargs: object) -> None:
    """Note when a person proved who they are, by the database's clock."""
    sessions.note_proof(request)


@receiver(user_logged_out)
@transaction.atomic
def signed_out(sender: object, user: User | None, **kwargs: object) -> None:
    """Write that someone signed out."""
    if user is not None:
        trail.append(Event.USER_SIGNED_OUT, actor=_user(user), subject=_user(user))


@receiver(user_login_failed)
@transaction.atomic
def sign_in_failed(sender: object, credentials: dict[str, Any], **kwargs: object) -> None:
    """Write that someone tried to; the name that was typed stays out, it may be a password."""
    user = get_user_by_username(str(credentials.get("username", ""))[:150])
    trail.append(Event.USER_SIGN_IN_FAILED, actor=WEB, subject=_user(user) if user else "user:unknown", by="password")


@transaction.atomic
def proof_failed(user: User, by: str) -> None:
    """Write that a code, or a password within a session, was wrong: whoever typed it has got that far."""
    trail.append(Event.USER_SIGN_IN_FAILED, actor=WEB, subject=_user(user), by=by)


@receiver(post_save, sender=Authenticator)
def factor_added(sender: object, instance: Authenticator, created: bool, **kwargs: object) -> None:
    """Write, in the transaction of the change, that there is a new second factor."""
    if created:
        _factor(instance, 0)


@receiver(post_delete, sender=Authenticator)
def factor_removed(sender: object, instance: Authenticator, **kwargs: object) -> None:
    """Write, in the transaction of the change, that a second factor has gone, and end the person's other sessions."""
    _factor(instance, 1)
    sessions.end_others(context.request, instance.user, why="second_factor_removed")


@receiver(post_delete, sender=SocialAccount)
def identity_removed(sender: object, instance: SocialAccount, **kwargs: object) -> None:
    """Write, in the transaction of the change, that an identity is nobody's again, and end the other sessions."""
    facts = {"identity": instance.uid, "provider": instance.provider}
    trail.append(Event.USER_IDENTITY_REMOVED, actor=_actor(instance.user), subject=_user(instance.user), **facts)
    sessions.end_others(context.request, instance.user, why="identity_removed")


@receiver(password_changed)
def password_has_changed(sender: object, request: HttpRequest, user: User, **kwargs: object) -> None:
    """Write, in the transaction of the change, that a password is new, and end the person's other sessions."""
    trail.append(Event.USER_PASSWORD_CHANGED, actor=_user(user), subject=_user(user))
    sessions.end_others(request, user, why="password_changed")


def _factor(factor: Authenticator, which: int) -> None:
    event = (PASSKEY if factor.type == Authenticator.Type.WEBAUTHN else OTHER_FACTOR)[which]
    named = {"name": str(factor)} if factor.type == Authenticator.Type.WEBAUTHN else {}
    subject = _user(factor.user)
    trail.append(event, actor=_actor(factor.user), subject=subject, type=str(factor.type), **named)


def _actor(owner: User) -> str:
    """Return who does it: the person of the request, who may be an administrator, else the owner."""
    person = getattr(context.request, "user", None)
    return _user(person) if person is not None and person.is_authenticated else _user(owner)


def _user(user: Any) -> str:
    return f"user:{user.pk}"
