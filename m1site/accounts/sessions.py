"""How long a session lasts: twelve hours at most, one hour without a sign of its person, and until somebody ends it."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from agents.approval.sign_in import SignIn
from audit import clock, trail
from audit.events import Event
from m1site.accounts.models import User

BEGAN_AT, SEEN_AT = "m1_began_at", "m1_seen_at"
PROVED_AT = "m1_proved_at"
IDLE_SECONDS = 60 * 60
AT_ONCE = 200
NOTE_SECONDS = 60  # how exactly the last sign of a person is kept: a write a minute, and not one a click


def begin(request: HttpRequest) -> None:
    """Begin to count the session's age, and forget some sessions that are over."""
    request.session[BEGAN_AT] = request.session[SEEN_AT] = time.time()
    over = Session.objects.filter(expire_date__lt=timezone.now()).select_for_update(skip_locked=True)
    Session.objects.filter(pk__in=list(over.values_list("pk", flat=True)[:AT_ONCE])).delete()


def keep_or_end(request: HttpRequest) -> None:
    """End the session where it is too old or was left alone for too long, else note that its person is there."""
    session, now = request.session, time.time()
    if SESSION_KEY not in session:
        return
    seen_at = session.get(SEEN_AT, 0.0)
    if now - session.get(BEGAN_AT, 0.0) >= settings.SESSION_COOKIE_AGE:
        _end(request, "too_old")
    elif now - seen_at >= IDLE_SECONDS:
        _end(request, "idle")
    elif now - seen_at >= NOTE_SECONDS and not _is_poll(request):
        session[SEEN_AT] = now
        UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=timezone.now())


def sign_in_of(request: HttpRequest) -> SignIn | None:
    """Return how the session's person signed in, by the proofs that allauth wrote down; None for nobody.

    A one-time code, a recovery code and a passkey are second factors: M1 asks every passkey to verify its user. A
    password is none, and neither is an identity from elsewhere: what was asked there is not known here.
    """
    if not request.user.is_authenticated:
        return None
    records = get_authentication_records(request, request.user)
    times = [_proved_at(record) for record in records] or [request.session[BEGAN_AT]]
    factors = [_proved_at(record) for record in records if record["method"] == "mfa"]
    return SignIn(at=_moment(times), second_factor_at=_moment(factors) if factors else None)


def note_proof(request: HttpRequest) -> None:
    """Write beside allauth's latest record when that was by the clock that decisions are judged by.

    Its own time is that of this host, and stays: allauth compares it with this host's clock again.
    """
    records = request.session[AUTHENTICATION_METHODS_SESSION_KEY]
    records[-1][PROVED_AT] = clock.now().timestamp()
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = records


def end_others(request: HttpRequest | None, user: User, *, why: str) -> int:
    """End all sessions of the user but that of the request, if it is theirs; return how many there were."""
    mine = request.session.session_key if request is not None and request.user.pk == user.pk else None
    others = [one for one in UserSession.objects.filter(user=user) if one.session_key != mine]
    return end(others, user, request, why)


def end_all(request: HttpRequest, user: User) -> int:
    """End all sessions of the user, this one too; return how many there were."""
    return end(UserSession.objects.filter(user=user), user, request, "asked")


@transaction.atomic
def end(found: Iterable[Any], user: User, request: HttpRequest | None, why: str) -> int:
    """End these sessions of the user, and return how many there were; rows of sessions that are over do not count."""
    count = 0
    for one in found:
        count += one.exists()
        one.end()
    if count:
        person = request.user if request is not None and request.user.is_authenticated else user
        trail.append(
            Event.USER_SESSIONS_ENDED, actor=f"user:{person.pk}", subject=f"user:{user.pk}", count=count, why=why
        )
    return count


@transaction.atomic
def _end(request: HttpRequest, why: str) -> None:
    user_id = request.user.pk
    request.session.flush()
    request.user = AnonymousUser()
    if user_id is not None:
        trail.append(Event.USER_SESSIONS_ENDED, actor="system:web", subject=f"user:{user_id}", count=1, why=why)


def _is_poll(request: HttpRequest) -> bool:
    """Tell whether a page asks by itself: what htmx gets, it gets because time has passed."""
    return request.method == "GET" and request.headers.get("HX-Request") == "true"


def _proved_at(record: dict[str, Any]) -> float:
    return float(record.get(PROVED_AT, record["at"]))


def _moment(times: list[float]) -> datetime:
    return datetime.fromtimestamp(max(times), UTC)
