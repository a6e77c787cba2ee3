"""The form of a yes given ahead of time: whom and what it names, and a row for each condition on the arguments."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.http import QueryDict

from agents.forms.fields import text
from agents.models import Agent
from audit.canonical import JSON
from policy import publishing
from policy.errors import FieldError
from policy.forms import condition, rows
from policy.forms.condition import ConditionForm
from policy.forms.known import arguments_of
from policy.forms.rows import Data
from policy.forms.saying import sentence
from policy.models import ToolVersion
from policy.tokens import MAX_DAYS, MAX_USES

SHOWN = ("argument", "quantifier", "operator", "value", "kind")
BLANK: Data = dict.fromkeys(SHOWN, "")
SPARE, MOST_ROWS = 2, 50
LISTS = ("tools", "agents")
BOXES = {"max_uses": "max_uses", "expires_in_minutes": "hours", "tools": "tools", "requesters": "requesters"}


class PreauthorizationForm(forms.Form):
    """Everything but the conditions. An approver answers for all that it lets through."""

    tools = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    agents = forms.ModelMultipleChoiceField(Agent.objects.none(), widget=forms.CheckboxSelectMultiple)
    requesters = forms.CharField(
        max_length=1_000, help_text="Sign-in names of those who may use it, separated by commas."
    )
    max_uses = forms.IntegerField(label="Calls", min_value=1, max_value=MAX_USES, initial=10)
    hours = forms.IntegerField(label="Hours", min_value=1, max_value=MAX_DAYS * 24, initial=24)
    note = text("What it is for", rows=2)
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


class PreauthorizationEditor:
    """The form with its rows, as it is being filled in.

    main        everything but the rows
    conditions  the rows, empty ones included; all that are not empty must hold
    shown       the boxes of a row that the page has
    """

    shown = SHOWN

    def __init__(self, main: PreauthorizationForm, typed: list[Data], tools: list[str], *, checked: bool) -> None:
        schemas = publishing.tools()
        self.arguments = arguments_of(schemas)
        chosen = {name: schema for name, schema in schemas.items() if name in tools}
        self.main = main
        self.conditions = [
            ConditionForm({**condition.BLANK, **row}, prefix=f"when-{number}", checked=checked, tools=chosen)
            for number, row in enumerate(typed)
        ]

    @classmethod
    def fresh(cls, requester: str = "") -> "PreauthorizationEditor":
        """Return an empty form."""
        return cls(PreauthorizationForm(initial={"requesters": requester}), [BLANK] * SPARE, [], checked=False)

    @classmethod
    def of_post(cls, data: QueryDict, order: str = "") -> "PreauthorizationEditor":
        """Return the form as a browser sent it, to be judged; after `when:add` with more rows, not judged yet."""
        typed: list[Data] = [*rows.read(data, "when", SHOWN)]
        typed = rows.ordered(typed, order.removeprefix("when:"), BLANK)[:MOST_ROWS] or [BLANK]
        main = PreauthorizationForm(initial=_initial(data)) if order else PreauthorizationForm(data)
        return cls(main, typed, data.getlist("tools"), checked=not order)

    def value(self) -> dict[str, Any] | None:
        """Return what `preauthorizations.issue` takes; None where something is wrong, which then stands at its box."""
        given = [form for form in self.conditions if not form.is_blank]
        if not all([form.is_valid() for form in (self.main, *given)]):  # a list: each of them, to show them all
            return None
        data = self.main.cleaned_data
        when: list[JSON] = [dict(form.row().leaf) for form in given]
        return {
            "agents": [agent.name for agent in data["agents"]], "requesters": data["requesters"],
            "tools": data["tools"], "conditions": when, "max_uses": data["max_uses"],
            "expires_in_minutes": data["hours"] * 60, "note": data["note"],
        }  # fmt: skip

    def show(self, problem: FieldError) -> None:
        """Put a problem at the box that it is about, else above the form."""
        path = problem.path
        given = [form for form in self.conditions if not form.is_blank]
        if path[:1] == ("conditions",) and len(path) > 1 and isinstance(path[1], int) and path[1] < len(given):
            given[path[1]].show((*path[2:], "argument")[:1], problem.problem)
        else:
            self.main.add_error(BOXES.get(str(path[0])), sentence(path[1:], problem.problem))


def _initial(data: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: data.getlist(name) for name in LISTS} if isinstance(data, QueryDict) else {}
    return {name: data.get(name, "") for name in PreauthorizationForm.base_fields} | lists
