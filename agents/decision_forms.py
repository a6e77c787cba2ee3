"""What people fill in about a tool call. Forms check shape; the function behind them says what may be done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import AbstractUser

from agents import opened
from agents.break_glass import LEAST_REASON
from agents.forms import text
from agents.models import Decision
from agents.seen import Seen
from agents.sign_in import SignIn
from audit import clock

PRESETS = ("Wrong target", "Out of scope", "Suspicious arguments", "Wrong environment", "Needs a ticket")
FOREIGN = "This form was not made for you and for this call as it stands. Look at it below, and answer once more."


class SeenForm(forms.Form):
    """What the person saw when they answered, and since when.

    person, request_id   whose form it is, and about which call
    """

    digest = forms.RegexField(r"\A[0-9a-f]{64}\Z")
    round = forms.IntegerField(min_value=1, max_value=32_767)
    opened = forms.CharField(required=False, max_length=1_000)

    def __init__(self, *args: Any, person: AbstractUser, request_id: UUID, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.request_id = person, request_id
        self.opened_at: datetime | None = None

    def clean(self) -> dict[str, Any]:
        """Read since when the call was shown; a text that M1 did not sign for this very form is refused."""
        cleaned: dict[str, Any] = super().clean() or {}
        if {"digest", "round", "opened"} <= cleaned.keys():
            self.opened_at = opened.since(
                cleaned["opened"], request_id=self.request_id, person=self.person, digest=cleaned["digest"],
                round_=cleaned["round"],
            )  # fmt: skip
        if self.opened_at is None:
            raise forms.ValidationError(FOREIGN)
        return cleaned

    def seen(self, sign_in: SignIn | None) -> Seen:
        """Return what the person saw; the form is valid."""
        data = self.cleaned_data
        seconds = (clock.now() - self.opened_at).total_seconds() if self.opened_at else None
        return Seen(data["digest"], data["round"], Decision.Surface.WEB, sign_in, seconds)


class ApproveForm(SeenForm):
    """Yes, and what the person wants to say with it."""

    comment = text("Comment (optional)", rows=2, required=False)


class RejectForm(SeenForm):
    """No, and why: it goes back to the agent as its answer."""

    preset = forms.ChoiceField(
        label="Why", choices=[(words, words) for words in PRESETS], widget=forms.RadioSelect, required=False
    )
    comment = text("In your own words", required=False)

    def clean(self) -> dict[str, Any]:
        """Join the chosen reason and the words; one of them must be there."""
        cleaned = super().clean()
        parts = [cleaned.get("preset", ""), cleaned.get("comment", "")]
        cleaned["reason"] = ": ".join(part for part in parts if part)
        if not cleaned["reason"] and not self.errors:
            raise forms.ValidationError("Choose a reason or write one; the agent gets it as its answer.")
        return cleaned


class BreakGlassForm(SeenForm):
    """Yes, alone, and why it could not wait."""

    reason = text("Why it cannot wait", min_length=LEAST_REASON)


class EditForm(SeenForm):
    """Why the arguments are changed; the arguments themselves are a form of their own."""

    comment = text("Why", rows=2)


class SettleForm(forms.Form):
    """What became of a lost call, by someone who looked."""

    outcome = forms.ChoiceField(
        label="What you found", widget=forms.RadioSelect,
        choices=[("succeeded", "It was done"), ("failed", "It was not done")],
    )  # fmt: skip
    note = text("How you know")


class ReviewForm(forms.Form):
    """What a second person found who looked at a broken glass."""

    decision = forms.UUIDField(widget=forms.HiddenInput)
    note = text("What you found")
