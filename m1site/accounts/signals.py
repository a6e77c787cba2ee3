"""Sign-ins as events. Django tells of them by signals only, so this is the one place that listens to any."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver

from audit import trail


@receiver(user_logged_in)
@transaction.atomic
def signed_in(sender: object, user: Any, **kwargs: object) -> None:
    """Write that someone signed in."""
    trail.append("user.signed_in", actor=f"user:{user.pk}", subject=f"user:{user.pk}")


@receiver(user_logged_out)
@transaction.atomic
def signed_out(sender: object, user: Any, **kwargs: object) -> None:
    """Write that someone signed out."""
    if user is not None:
        trail.append("user.signed_out", actor=f"user:{user.pk}", subject=f"user:{user.pk}")


@receiver(user_login_failed)
@transaction.atomic
def sign_in_failed(sender: object, credentials: dict[str, Any], **kwargs: object) -> None:
    """Write that someone tried to; the name that was typed stays out, it may be a password."""
    user = get_user_model().objects.filter(username=str(credentials.get("username", ""))[:150]).first()
    subject = f"user:{user.pk}" if user else "user:unknown"
    trail.append("user.sign_in_failed", actor="system:web", subject=subject)
