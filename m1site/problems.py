"""Errors as people and programs see them: problem documents (RFC 9457) under /api/, a page elsewhere; never a trace."""

import sys
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from audit.errors import M1Error
from m1site import attacks, faults
from m1site.faults import Fault

CONTENT_TYPE = "application/problem+json"
GetResponse = Callable[[HttpRequest], HttpResponse]


class CsrfFailedError(M1Error):
    """This form is too old, or it does not come from a page of M1: load the page again and send it from there."""

    code = "csrf_failed"
    http_status = 403


def is_api(request: HttpRequest) -> bool:
    """Tell whether a program asks."""
    return request.path_info.startswith("/api/")


def respond(request: HttpRequest, fault: Fault) -> HttpResponse:
    """Return the fault as a problem document, or as a page; the page needs no database."""
    if is_api(request):
        headers = {"Cache-Control": "no-store", **fault.headers}
        return JsonResponse(fault.document(), status=fault.status, headers=headers, content_type=CONTENT_TYPE)
    page = render_to_string(
        "problem.html", {"fault": fault}
    )  # without the request: what a page knows needs the database
    return HttpResponse(page, status=fault.status, headers=dict(fault.headers))


def answer(request: HttpRequest, exc: BaseException | None) -> HttpResponse | None:
    """Return the answer to an exception that M1 knows, after the roll-back; a refused attack goes on the trail.

    None for an exception that nobody expected: it is a fault of M1's own, and is logged and answered as 500.
    """
    fault = faults.of(exc)
    if fault is None:
        return None
    if isinstance(exc, M1Error):
        attacks.note(request, exc)
    return respond(request, fault)


def handle(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer an exception of a REST view (REST framework's EXCEPTION_HANDLER)."""
    return answer(context["request"]._request, exc)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what no view answered (Django's handler500): the database may have gone anywhere, in middleware too."""
    return respond(request, faults.of(sys.exc_info()[1]) or faults.of_status(500))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refuses to read (handler400)."""
    return respond(request, faults.of(exception) or faults.of_status(400))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a forged form (CSRF_FAILURE_VIEW), and record it."""
    error = CsrfFailedError()
    return answer(request, error) or respond(request, faults.FORBIDDEN)


class ProblemMiddleware:
    """Turn what views raise into answers, and whatever else goes wrong under /api/ into problem documents."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        if not is_api(request):
            return self.get_response(request)
        response = self._api_response(request)
        response.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer what a view raised; Django has its own ways with 404 and 403 of pages."""
        return answer(request, exception)

    def _api_response(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            return respond(request, faults.of_status(411))  # Django would take the body for empty: a silent drop
        response = self.get_response(request)
        if response.status_code >= 400 and response.headers.get("Content-Type") != CONTENT_TYPE:
            return respond(request, faults.of_status(response.status_code))
        return response
