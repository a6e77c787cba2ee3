"""How a body gets in: JSON, once, strictly, and of bounded size."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser

from audit import canonical
from audit.errors import M1Error


class TooLargeError(M1Error):
    """The body is larger than {limit} bytes."""

    code = "too_large"
    http_status = 413


class StrictJSONParser(BaseParser):
    """Read the body with audit.canonical, which refuses what two readers could take differently."""

    media_type = "application/json"
    times = 1  # how many times the usual size a body may have

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the JSON object that the body holds.

        Raises UnsupportedMediaType for compressed bodies and other character sets, TooLargeError, MalformedJSONError.
        """
        request = (parser_context or {})["request"]._request
        _refuse_encodings(request)
        limit = (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) * self.times
        data = stream.read(limit + 1)
        if len(data) > limit:
            raise TooLargeError(limit=limit)
        value = canonical.parse(data, limits=canonical.Limits(bytes=limit))
        if not isinstance(value, dict):
            raise ValidationError("The body must be a JSON object.")
        return value


class LargeJSONParser(StrictJSONParser):
    """For bodies that carry a whole document as a text."""

    times = 6


def _refuse_encodings(request: HttpRequest) -> None:
    """Refuse what would have to be unpacked or guessed: a bomb, or another reading of the same bytes."""
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity" or charset.lower() != "utf-8":
        raise UnsupportedMediaType(request.content_type or "")
