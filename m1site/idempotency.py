"""Idempotency-Key: the same POST sent twice gets the same answer, and acts once."""

import hashlib
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from audit import clock
from audit.errors import M1Error
from m1site import faults, problems
from m1site.models import IdempotentRequest
from m1site.problems import CONTENT_TYPE, GetResponse

MAX_KEY = 200
# Not an answer to what was asked: the caller signs in, or tries again, with the same key.
NOT_KEPT = frozenset({401, 403, 429})


class IdempotencyKeyError(M1Error):
    """The Idempotency-Key must be 1 to 200 printable ASCII characters."""

    code = "invalid_idempotency_key"


class IdempotencyConflictError(M1Error):
    """This Idempotency-Key was used for another request; take a new one."""

    code = "idempotency_conflict"
    http_status = 409


class IdempotencyMiddleware:
    """Repeat the stored answer to a key; an unfinished request runs again under its first request_key.

    Whatever creates something takes `request.request_key` and returns what it has created under it before, so that a
    crash between the commit and the stored answer is safe.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        request.request_key = None  # type: ignore[attr-defined]
        key = request.headers.get("Idempotency-Key")
        if key is None or request.method != "POST" or not request.path_info.startswith("/api/m1/"):
            return self.get_response(request)
        try:
            user = request.user
            return self._once(request, user.pk, key) if user.is_authenticated else self.get_response(request)
        except (M1Error, *faults.DATABASE_AWAY, RequestDataTooBig) as exc:
            if (answer := problems.answer(request, exc)) is None:
                raise
            return answer

    def _once(self, request: HttpRequest, user_id: UUID, key: str) -> HttpResponse:
        row = _row(request, user_id, key)
        if row.status is not None:
            content_type = CONTENT_TYPE if row.status >= 400 else "application/json"
            headers = {"Idempotency-Replayed": "true"}
            return HttpResponse(row.response, status=row.status, content_type=content_type, headers=headers)
        request.request_key = row.pk  # type: ignore[attr-defined]
        response = self.get_response(request)
        if response.status_code < 500 and response.status_code not in NOT_KEPT:
            unanswered = IdempotentRequest.objects.filter(pk=row.pk, status=None)
            unanswered.update(status=response.status_code, response=response.content.decode())
        return response


def _row(request: HttpRequest, user_id: UUID, key: str) -> IdempotentRequest:
    """Return the row of this key, new or old. Raises IdempotencyKeyError, IdempotencyConflictError."""
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise IdempotencyKeyError()
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + request.body).hexdigest()
    fresh = {"digest": digest, "created_at": clock.now()}
    row, _ = IdempotentRequest.objects.get_or_create(user_id=user_id, key=key, defaults=fresh)
    if row.digest != digest:
        raise IdempotencyConflictError()
    return row
