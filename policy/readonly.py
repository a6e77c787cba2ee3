"""Rows with a history in the admin: to find and to read, never to write. What others wrote is shown with its marks."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.core.exceptions import FieldDoesNotExist
from django.db.models import CharField, ForeignKey, Model, TextField
from django.http import HttpRequest

from policy.reveal import reveal

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class ReadOnlyAdmin(_Admin):
    """What happened stays as it happened; changes go through the functions that make them."""

    show_full_result_count = False
    list_per_page = 50

    def __init__(self, model: type[Model], admin_site: AdminSite) -> None:
        """Take the columns of text as `reveal` shows them: a column of its own for each would be forgotten once."""
        super().__init__(model, admin_site)
        desk: Any = self  # the stubs have these on the class only
        desk.list_display = tuple(_shown(model, name, TextField, CharField, ForeignKey) for name in desk.list_display)
        if desk.fields:
            desk.fields = tuple(_shown(model, name, TextField, CharField) for name in desk.fields)
            desk.readonly_fields = (*desk.readonly_fields, *filter(callable, desk.fields))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody writes history by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes it."""
        return False


def _shown(model: type[Model], name: Any, *kinds: Any) -> Any:
    """Return a column that shows the text of the field with its marks; a name that is no such field stays as it is."""
    try:
        field: Any = model._meta.get_field(name)
    except (FieldDoesNotExist, TypeError):
        return name
    if not isinstance(field, kinds) or field.choices:
        return name

    @admin.display(description=field.verbose_name, ordering=name)
    def text(row: Any) -> str:
        value = getattr(row, name)
        return "-" if value is None else reveal(str(value), one_line=isinstance(field, CharField))

    text.__name__ = name
    return text
