"""Whatever can go wrong in a request, as one value: the status, the code for programs, the sentence for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404
from rest_framework import exceptions as rest

from audit.errors import M1Error
from audit.rest import camel

RETRY_AFTER_SECONDS = 5
DATABASE_AWAY = (OperationalError, InterfaceError, InternalError)
READ_ONLY, IDLE_TOO_LONG = "25006", "25P03"  # SQLSTATE; Django calls them internal errors
CHALLENGE = 'Bearer realm="m1"'
LISTS = {"problems": "errors", "findings": "findings", "failures": "failures"}  # facts of errors, by their names there


@dataclass(frozen=True)
class Fault:
    """What is told about a request that failed.

    errors  (field, what is wrong with it) for each field that is wrong
    more    lists of objects that the document has besides, by name
    """

    status: int
    code: str
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The phrase of the status, as RFC 9457 asks of a problem without a type of its own."""
        return HTTPStatus(self.status).phrase

    def document(self) -> dict[str, Any]:
        """Return the problem document (RFC 9457, section 3)."""
        fields = {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.detail}
        errors = [{"field": name, "problem": problem} for name, problem in self.errors if name]
        return {**fields, "code": self.code, **({"errors": errors} if errors else {}), **self.more}


# One answer for what is not there and for what the caller may not see: it must not tell which.
NOT_FOUND = Fault(404, "not_found", "There is nothing at this address that you may see.")
FORBIDDEN = Fault(403, "permission_denied", "You may not do this.")
BY_STATUS = {
    400: Fault(400, "bad_request", "The request cannot be understood."),
    401: Fault(401, "not_authenticated", "Sign in, or send an API key.", headers={"WWW-Authenticate": CHALLENGE}),
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: Fault(405, "method_not_allowed", "This address does not take that method."),
    406: Fault(406, "not_acceptable", "M1 answers application/json; the Accept header asks for something else."),
    411: Fault(411, "length_required", "Send the body with a Content-Length."),
    413: Fault(413, "too_large", "The body is too large."),
    415: Fault(415, "unsupported_media_type", "Send the body as application/json, in UTF-8, not compressed."),
    429: Fault(429, "too_many_requests", "Too much was asked at once; try again later.", headers={"Retry-After": "60"}),
    500: Fault(500, "internal_error", "M1 failed here; the operator's log says why."),
    503: Fault(
        503,
        "database_unavailable",
        "M1 cannot read or write its database, so nothing was changed. Try again.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    ),
}


def of_status(status: int) -> Fault:
    """Return the fault that a bare status stands for."""
    phrase = HTTPStatus(status).phrase
    return BY_STATUS.get(status) or Fault(status, phrase.lower().replace(" ", "_").replace("-", "_"), f"{phrase}.")


def of(exc: BaseException | None) -> Fault | None:
    """Return the fault that an exception stands for; None for one that nobody expected."""
    match exc:
        case M1Error():
            return _of_ours(exc)
        case OperationalError() | InterfaceError():
            return BY_STATUS[503]
        case InternalError() if getattr(exc.__cause__, "sqlstate", "") in (READ_ONLY, IDLE_TOO_LONG):
            return BY_STATUS[503]
        case Http404() | rest.NotFound():
            return NOT_FOUND
        case rest.ValidationError():
            return _of_fields(exc.detail)
        case rest.APIException():
            return of_status(exc.status_code)
        case PermissionDenied():
            return FORBIDDEN
        case RequestDataTooBig():
            return BY_STATUS[413]
        case SuspiciousOperation():
            return BY_STATUS[400]
    return None


def _of_ours(exc: M1Error) -> Fault:
    headers = BY_STATUS[exc.http_status].headers if exc.http_status in (401, 429, 503) else {}
    if seconds := exc.facts.get("retry_after_seconds"):
        headers = {"Retry-After": str(seconds)}
    if exc.http_status == NOT_FOUND.status:
        return NOT_FOUND
    where = camel(str(exc.facts.get("field", "")))
    errors = ((where, str(exc.facts.get("problem", exc.detail))),) if where else ()
    more = {name: exc.facts[fact] for fact, name in LISTS.items() if exc.facts.get(fact)}
    return Fault(exc.http_status, exc.code, exc.detail, errors, headers, more)


def _of_fields(detail: Any) -> Fault:
    errors = tuple(_flat(detail, ""))
    told = "; ".join(f"{name}: {problem}" if name else problem for name, problem in errors)
    return Fault(400, "invalid_field", f"The request is not valid. {told}", errors)


def _flat(detail: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield (field, problem) from the nested errors of a serializer, as calls[1].tool."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            step = f"[{key}]" if isinstance(key, int) else f".{key}" if path else str(key)
            yield from _flat(inner, path if key == "non_field_errors" else path + step)
    elif isinstance(detail, list | tuple):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list | tuple)
            yield from _flat(inner, f"{path}[{position}]" if nested else path)
    else:
        yield path, str(detail)
