"""Lists by cursor, newest first: a page stays the same while rows are added in front of it."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class NewestFirst(CursorPagination):
    """Pages of {next, previous, results}; UUIDv7 keys grow with time, so the key alone is order and position."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "limit"
    ordering = "-pk"

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """Return the one order there is."""
        return (self.ordering,)

    def get_page_size(self, request: Request) -> int:
        """Return how many rows the client asks for; a wrong number is refused, not replaced."""
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= self.max_page_size):
            raise ValidationError({"limit": f"must be a number from 1 to {self.max_page_size}"})
        return int(text)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor, whose position must be a key: it goes into the query."""
        cursor = super().decode_cursor(request)
        try:
            if cursor is not None:
                UUID(str(cursor.position))
        except ValueError:
            raise ValidationError({"cursor": self.invalid_cursor_message}) from None
        return cursor
