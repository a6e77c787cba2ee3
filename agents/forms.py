"""What people fill in. Forms check shape; whether a thing may be done is for the function that does it."""

from typing import Any
from uuid import UUID, uuid4, uuid5

from django import forms
from django.contrib.auth.models import AbstractUser

from agents.models import Agent
from agents.runs import MAX_GOAL
from agents.scopes import scope_of, usable_by
from policy.models import ApprovalToken, ToolVersion

COMMENT_LENGTH = 2_000
PRESETS = ("Wrong target", "Out of scope", "Suspicious arguments", "Wrong environment", "Needs a ticket")


def key_of(person: AbstractUser, form_key: UUID) -> UUID:
    """Return what a form sent twice is known by; nobody else's form can have the same."""
    return uuid5(person.pk, str(form_key))


def _text(label: str, *, rows: int = 3, most: int = COMMENT_LENGTH, **more: Any) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": rows, "maxlength": most})
    return forms.CharField(label=label, max_length=most, widget=area, **more)


class SeenForm(forms.Form):
    """What the person saw when they answered."""

    digest = forms.RegexField(r"\A[0-9a-f]{64}\Z", widget=forms.HiddenInput)
    round = forms.IntegerField(min_value=1, max_value=32_767, widget=forms.HiddenInput)


class ApproveForm(SeenForm):
    """Yes, and what the person wants to say with it."""

    comment = _text("Comment (optional)", rows=2, required=False)


class RejectForm(SeenForm):
    """No, and why: it goes back to the agent as its answer."""

    preset = forms.ChoiceField(
        label="Why", choices=[(words, words) for words in PRESETS], widget=forms.RadioSelect, required=False
    )
    comment = _text("In your own words", required=False)

    def clean(self) -> dict[str, Any]:
        """Join the chosen reason and the words; one of them must be there."""
        cleaned: dict[str, Any] = super().clean() or {}
        parts = [cleaned.get("preset", ""), cleaned.get("comment", "")]
        cleaned["reason"] = ": ".join(part for part in parts if part)
        if not cleaned["reason"] and not self.errors:
            raise forms.ValidationError("Choose a reason or write one; the agent gets it as its answer.")
        return cleaned


class SettleForm(forms.Form):
    """What became of a lost call, by someone who looked."""

    outcome = forms.ChoiceField(
        label="What you found", widget=forms.RadioSelect,
        choices=[("succeeded", "It was done"), ("failed", "It was not done")],
    )  # fmt: skip
    note = _text("How you know")


class ReasonForm(forms.Form):
    """Why something is stopped."""

    reason = _text("Why", rows=2)


class RunForm(forms.Form):
    """A goal for an agent. The key makes a second click the same run."""

    goal = _text("Goal", rows=5, most=MAX_GOAL, help_text="What should be true when the agent has finished?")
    agent = forms.ModelChoiceField(Agent.objects.none(), empty_label=None)
    preauthorization = forms.TypedChoiceField(
        label="Pre-authorisation", required=False, coerce=str, empty_value="",
        help_text="Calls that it covers run without asking again.",
    )  # fmt: skip
    budget_usd = forms.DecimalField(
        label="Budget in US dollars", required=False, min_value=0, max_digits=12, decimal_places=2,
        help_text="Empty: what the agent may spend on a run.",
    )  # fmt: skip
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, person: AbstractUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"].queryset = Agent.objects.filter(is_enabled=True).order_by("name")  # type: ignore[attr-defined]
        choices = [("", "None: ask each time")]
        choices += [(str(token.pk), _said(token)) for token in usable_by(person)]
        self.fields["preauthorization"].choices = choices  # type: ignore[attr-defined]


class PreauthorizationForm(forms.Form):
    """A yes ahead of time. An approver answers for all that it lets through."""

    tools = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    agents = forms.ModelMultipleChoiceField(Agent.objects.none(), widget=forms.CheckboxSelectMultiple)
    requesters = forms.CharField(
        max_length=1_000, help_text="Sign-in names of those who may use it, separated by commas."
    )
    max_uses = forms.IntegerField(label="Calls", min_value=1, max_value=10_000, initial=10)
    hours = forms.IntegerField(label="Hours", min_value=1, max_value=365 * 24, initial=24)
    note = _text("What it is for", rows=2)
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        enabled = ToolVersion.objects.filter(state=ToolVersion.State.ENABLED)
        names = enabled.order_by("tool__name").values_list("tool__name", flat=True).distinct()
        self.fields["tools"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]
        self.fields["agents"].queryset = Agent.objects.filter(is_enabled=True).order_by("name")  # type: ignore[attr-defined]

    def clean_requesters(self) -> list[str]:
        """Return the names."""
        return [name.strip() for name in self.cleaned_data["requesters"].split(",") if name.strip()]


def _said(token: ApprovalToken) -> str:
    scope = scope_of(token)
    left = token.max_uses - token.uses
    return f"{', '.join(scope['tools'])} by {', '.join(scope['agents'])}, {left} left, given by {token.person}"
