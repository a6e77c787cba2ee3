"""The form by which a person who will be away names a stand-in."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser

from agents.approval.delegations import MAX_REASON
from agents.forms.fields import text
from audit import clock

MOST_NAMES = 200
YEAR = timedelta(days=366)
_AS_TYPED = "%Y-%m-%dT%H:%M"


def _time(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_AS_TYPED)
    return forms.DateTimeField(label=label, widget=widget, error_messages={"invalid": "Write a date and a time."})


class AwayForm(forms.Form):
    """Who stands in, from when to when, and why."""

    delegate = forms.CharField(
        label="Who stands in for you", max_length=150, help_text="By sign-in name.",
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off", "autocapitalize": "none"}),
    )  # fmt: skip
    starts_at, ends_at = _time("From, UTC"), _time("Until, UTC")
    reason = text("Why", rows=2, most=MAX_REASON)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        now = clock.now()
        kwargs.setdefault("initial", {"starts_at": now, "ends_at": now + timedelta(days=7)})
        super().__init__(*args, **kwargs)
        self.now = now

    def clean_delegate(self) -> AbstractUser:
        """Return the person of that name."""
        name = self.cleaned_data["delegate"]
        found: AbstractUser | None = (
            get_user_model().objects.filter(username=name, is_active=True, kind="person").first()
        )
        if found is None:
            raise forms.ValidationError("No active person has this sign-in name.")
        return found

    def clean_starts_at(self) -> datetime:
        """Return the beginning."""
        return self._near(self.cleaned_data["starts_at"])

    def clean_ends_at(self) -> datetime:
        """Return the end."""
        return self._near(self.cleaned_data["ends_at"])

    def _near(self, at: datetime) -> datetime:
        """Refuse times that no calendar of ours holds."""
        try:
            at = at.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError("This lies too far away.") from None
        if abs(at - self.now) > YEAR:
            raise forms.ValidationError("This lies more than a year away.")
        return at


def people(besides: AbstractUser) -> list[AbstractUser]:
    """Return active people whose names the box offers."""
    found = get_user_model().objects.filter(is_active=True, kind="person").exclude(pk=besides.pk)
    return list(found.order_by("username")[:MOST_NAMES])
