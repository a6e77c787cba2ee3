"""What forms share: a text of so many characters, a reason, and the key of a form that is sent twice."""

from typing import Any
from uuid import UUID, uuid5

from django import forms
from django.contrib.auth.models import AbstractUser

COMMENT_LENGTH = 2_000


def key_of(person: AbstractUser, form_key: UUID) -> UUID:
    """Return what a form sent twice is known by; nobody else's form can have the same."""
    return uuid5(person.pk, str(form_key))


def text(label: str, *, rows: int = 3, most: int = COMMENT_LENGTH, **more: Any) -> forms.CharField:
    """Return a field for a text of `most` characters at most."""
    area = forms.Textarea(attrs={"rows": rows, "maxlength": most})
    return forms.CharField(label=label, max_length=most, widget=area, **more)


class ReasonForm(forms.Form):
    """Why something is stopped, or let go on."""

    reason = text("Why", rows=2)
