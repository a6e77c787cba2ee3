"""API keys: shown once when they are made, found by their digest, replaced with an overlap, gone when revoked."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta
from hmac import compare_digest

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from audit import clock, trail
from audit.errors import M1Error
from audit.events import Event
from m1site.accounts.models import ApiKey, User

SCOPES = ("read", "propose", "decide", "operate", "policy")
MARK = "m1_"
MAX_DAYS = 366
OVERLAP_HOURS = 24
_MAX_CHARACTERS = 100
_PREFIX_CHARACTERS = 11


class ApiKeyRefusedError(M1Error):
    """The API key cannot be made: {field} {problem}."""

    code = "invalid_field"


class InvalidApiKeyError(M1Error):
    """The API key is not known, has expired or was revoked."""

    code = "invalid_api_key"
    http_status = 401


@transaction.atomic
def create(
    user: User, *, name: str, scopes: Collection[str], days: int, actor: User | None = None
) -> tuple[ApiKey, str]:
    """Make a key for an account and return it with its text, which is kept nowhere.

    actor  who makes it, where that is not the account itself
    Raises ApiKeyRefusedError.
    """
    _check(name, scopes, days)
    plain = MARK + secrets.token_urlsafe(32)
    now = clock.now()
    key = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=plain[:_PREFIX_CHARACTERS],
        digest=_digest(plain),
        scopes=sorted(set(scopes), key=SCOPES.index),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    made_by = f"user:{(actor or user).pk}"
    facts = {"user": user.pk, "name": name, "scopes": key.scopes, "expires_at": key.expires_at}
    trail.append(Event.API_KEY_CREATED, actor=made_by, subject=f"api_key:{key.pk}", **facts)
    return key, plain


@transaction.atomic
def revoke(key: ApiKey, *, actor: User) -> bool:
    """End a key at once; False if it had been revoked before."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=clock.now()):
        return False
    trail.append(Event.API_KEY_REVOKED, actor=f"user:{actor.pk}", subject=f"api_key:{key.pk}", user=key.user_id)
    return True


@transaction.atomic
def replace(key: ApiKey, *, actor: User) -> tuple[ApiKey, str]:
    """Make a successor with the same name, scopes and length of life, and return it with its text.

    The old key goes on for OVERLAP_HOURS at most, so that whatever uses it can be changed meanwhile.
    Raises ApiKeyRefusedError for a key that has ended.
    """
    now = clock.now()
    ends = min(key.expires_at, now + timedelta(hours=OVERLAP_HOURS))
    going = ApiKey.objects.filter(pk=key.pk, revoked_at=None, expires_at=key.expires_at, expires_at__gt=now)
    if not going.filter(user__is_active=True).exists() or not going.update(expires_at=ends):
        raise ApiKeyRefusedError(field="key", problem="has ended; make a new one")
    days = min(MAX_DAYS, max(1, (key.expires_at - key.created_at).days))
    made, plain = create(key.user, name=key.name, scopes=key.scopes, days=days, actor=actor)
    facts = {"user": key.user_id, "successor": made.pk, "expires_at": ends}
    trail.append(Event.API_KEY_REPLACED, actor=f"user:{actor.pk}", subject=f"api_key:{key.pk}", **facts)
    return made, plain


def find(plain: str) -> ApiKey | None:
    """Return the key with its account if it may be used now, and note its use, at most once a minute.

    The look-up is by digest, so that its time tells nothing about how much of a guess was right.
    """
    if not plain.startswith(MARK) or len(plain) > _MAX_CHARACTERS:
        return None
    digest = _digest(plain)
    key = ApiKey.objects.filter(digest=digest, revoked_at=None, expires_at__gt=Now(), user__is_active=True)
    found = key.select_related("user").annotate(now=Now()).first()
    if found is None or not compare_digest(found.digest, digest):
        return None
    minute_ago = found.now - timedelta(minutes=1)
    if found.last_used_at is None or found.last_used_at < minute_ago:
        idle = Q(last_used_at=None) | Q(last_used_at__lt=minute_ago)
        ApiKey.objects.filter(idle, pk=found.pk).update(last_used_at=found.now)
    return found


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode("utf-8", "backslashreplace")).hexdigest()


def _check(name: str, scopes: Collection[str], days: int) -> None:
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise ApiKeyRefusedError(field="name", problem="must be 1 to 100 printable characters")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ApiKeyRefusedError(field="scopes", problem=f"must be some of {', '.join(SCOPES)}")
    if not 1 <= days <= MAX_DAYS:
        raise ApiKeyRefusedError(field="days", problem=f"must be from 1 to {MAX_DAYS}")
