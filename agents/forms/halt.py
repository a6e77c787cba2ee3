"""The form that puts a halt on everything, an agent or a tool."""

from typing import Any

from django import forms

from agents.forms.fields import text
from agents.models import Agent
from policy.models import Tool

EVERYTHING = "everything"


class HaltForm(forms.Form):
    """What is stopped, and why. Nothing is chosen at first: a halt is set on purpose."""

    on = forms.ChoiceField(label="What", error_messages={"invalid_choice": "There is no such agent or tool."})
    reason = text("Why", rows=2)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agents = [(f"agent:{agent.pk}", agent.name) for agent in Agent.objects.only("name").order_by("name")]
        tools = [(f"tool:{tool.pk}", tool.name) for tool in Tool.objects.only("name").order_by("name")]
        whole = [("", "Choose…"), (EVERYTHING, "Everything: no agent proposes, no tool starts")]
        self.fields["on"].choices = [*whole, ("One agent", agents), ("One tool", tools)]  # type: ignore[attr-defined]

    def target(self) -> dict[str, Any]:
        """Return the agent or the tool as `halts.set_halt` takes them; {} is everything."""
        kind, _, key = self.cleaned_data["on"].partition(":")
        if kind == "agent":
            return {"agent": Agent.objects.get(pk=key)}
        return {"tool": Tool.objects.get(pk=key)} if kind == "tool" else {}
