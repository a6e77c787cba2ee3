"""What people fill in about a tool call. Forms check shape; the function behind them says what may be done."""

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractUser

from agents.approval import opened, typed_name
from agents.approval.attention import MAX_OPEN_SECONDS
from agents.approval.break_glass import LEAST_REASON
from agents.approval.opened import Opened
from agents.approval.seen import Seen
from agents.approval.shown_facts import EXPANDABLE
from agents.approval.sign_in import SignIn
from agents.forms.fields import text
from agents.models import Decision, ToolCall
from audit import clock

PRESETS = ("Wrong target", "Out of scope", "Suspicious arguments", "Wrong environment", "Needs a ticket")
FOREIGN = "This form was not made for you and for this call as it stands. Look at it below, and answer once more."


class Expanded(forms.CharField):
    """Names of the parts that were opened, with blanks between, as the page's script reports them."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(required=False, max_length=200)

    def clean(self, value: Any) -> tuple[str, ...]:
        """Return the names."""
        return tuple(str(super().clean(value)).split())

    def validate(self, value: Any) -> None:
        """Refuse a part that no page has."""
        super().validate(value)
        if set(value.split()) - set(EXPANDABLE):
            raise forms.ValidationError("The page has no such part.")


class LookForm(forms.Form):
    """How a person looked at a page before they answered, as its script reports it."""

    focus_seconds = forms.FloatField(required=False, min_value=0, max_value=MAX_OPEN_SECONDS)
    expanded = Expanded()


class SeenForm(LookForm):
    """What the person saw when they answered, since when, and how they looked at it.

    person, call   whose form it is, and about which call
    """

    digest = forms.RegexField(r"\A[0-9a-f]{64}\Z")
    round = forms.IntegerField(min_value=1, max_value=32_767)
    opened = forms.CharField(required=False, max_length=1_000)

    def __init__(self, *args: Any, person: AbstractUser, call: ToolCall, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.call = person, call
        self.mark: Opened | None = None

    def clean(self) -> dict[str, Any]:
        """Read what the person was shown since when; a text that M1 did not sign for this very form is refused."""
        cleaned: dict[str, Any] = super().clean() or {}
        if {"digest", "round", "opened"} <= cleaned.keys():
            self.mark = opened.read(
                cleaned["opened"], request_id=self.call.pk, person=self.person, digest=cleaned["digest"],
                round_=cleaned["round"],
            )  # fmt: skip
        if self.mark is None:
            raise forms.ValidationError(FOREIGN)
        return cleaned

    def seen(self, sign_in: SignIn | None) -> Seen:
        """Return what the person saw; the form is valid."""
        data, mark = self.cleaned_data, self.mark
        return Seen(
            data["digest"], data["round"], Decision.Surface.WEB, sign_in,
            open_seconds=(clock.now() - mark.at).total_seconds() if mark else None, shown=mark.shown if mark else None,
            focus_seconds=data["focus_seconds"], expanded=data["expanded"],
        )  # fmt: skip


class YesForm(SeenForm):
    """A yes, for which the person types the name of a dangerous tool."""

    named = forms.CharField(required=False, max_length=200)

    def clean_named(self) -> str:
        """Return what was typed; it is the name where one is wanted."""
        typed: str = self.cleaned_data["named"]
        if not typed_name.is_right(self.call, typed):
            wanted = typed_name.wanted(self.call)
            raise forms.ValidationError(f"Type {wanted}, letter by letter: that is the tool which you let run.")
        return typed


class ApproveForm(YesForm):
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


class BreakGlassForm(YesForm):
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
