"""The form that begins a run."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.auth.models import AbstractUser

from agents.forms.fields import text
from agents.models import Agent
from agents.runs import MAX_GOAL
from agents.scopes import usable_by
from policy.models import ApprovalToken
from policy.scope_words import scope_of


class RunForm(forms.Form):
    """A goal for an agent. The key makes a second click the same run."""

    goal = text("Goal", rows=5, most=MAX_GOAL, help_text="What should be true when the agent has finished?")
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


def _said(token: ApprovalToken) -> str:
    scope = scope_of(token)
    left = token.max_uses - token.uses
    return f"{', '.join(scope['tools'])} by {', '.join(scope['agents'])}, {left} left, given by {token.person}"
