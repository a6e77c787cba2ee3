"""A rule as a sentence with gaps: what it looks at, and what it asks."""

from collections.abc import Mapping
from typing import Any, cast

from django import forms

from audit.canonical import JSON
from policy.errors import FieldError
from policy.forms import durations
from policy.forms.lists import lines
from policy.forms.requirement import names_in
from policy.forms.saying import sentence
from policy.reading import Path, texts
from policy.rule_fields import MATCH_HINTS, MAX_ENTRIES, MAX_NAME, OPEN_MINUTES

DENY, REVIEW = "deny", "review"
EFFECTS = [(DENY, "deny the call"), (REVIEW, "ask people for approval")]
UNITS = [(unit, unit) for unit in durations.UNITS]
WHERE: dict[Path, str] = {
    ("deny",): "message", ("deny", "message"): "message", ("review", "preauthorization"): "preauthorization",
    ("review", "open_minutes"): "open_amount", ("review", "sign_in_minutes"): "sign_in_amount",
    ("review", "allow_self"): "allow_self", ("review", "reminders"): "reminders",
    ("review", "escalate", "after_minutes"): "escalate_amount", ("review", "escalate"): "escalate_groups",
    ("name",): "name", ("description",): "description",
}  # fmt: skip


def _box(label: str, **attributes: object) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, strip=False, widget=forms.Textarea(attrs={"rows": 1} | attributes)
    )


class RuleForm(forms.Form):
    """Everything of a rule but its conditions and requirements, which are rows.

    typed     the texts of the boxes by name, as a browser sends them
    revision  of the draft that the person saw
    seen      digest of the rule's body as they saw it
    """

    use_required_attribute = False
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    name = forms.CharField(max_length=MAX_NAME, help_text="Small letters, digits and single - _ . between them.")
    description = _box("what it is for")
    agents = _box("agents", placeholder="any agent")
    environments = _box("environments", placeholder="any environment")
    tools = _box("tools", placeholder="which tool?")
    requester_groups = _box("groups of the requester", placeholder="any group")
    effect = forms.ChoiceField(label="then", choices=EFFECTS, widget=forms.RadioSelect)
    message = _box("message", placeholder="Why it is denied, for people and for the agent.")
    preauthorization = forms.BooleanField(label="a pre-authorisation may stand in for asking", required=False)
    open_amount = forms.IntegerField(label="open for", required=False, min_value=1)
    open_unit = forms.ChoiceField(label="unit", choices=UNITS, required=False)
    sign_in_amount = forms.IntegerField(label="signed in within the last", required=False, min_value=1)
    sign_in_unit = forms.ChoiceField(label="unit", choices=UNITS, required=False)
    allow_self = forms.BooleanField(
        label="the requester may approve their own request (every such decision is flagged)", required=False
    )
    reminders = forms.BooleanField(
        label="approvers are reminded when half and nine tenths of the time have passed", required=False
    )
    escalate_amount = forms.IntegerField(label="escalates after", required=False, min_value=1)
    escalate_unit = forms.ChoiceField(label="unit", choices=UNITS, required=False)
    escalate_groups = _box("groups it escalates to", placeholder="nobody else")

    def __init__(self, typed: Mapping[str, str], *, checked: bool) -> None:
        self.typed = typed
        super().__init__(typed if checked else None, initial=dict(typed))

    def clean_agents(self) -> list[str]:
        """Read the names between commas."""
        return names_in(self.cleaned_data["agents"])

    def clean_environments(self) -> list[str]:
        """Read the names between commas."""
        return names_in(self.cleaned_data["environments"])

    def clean_tools(self) -> list[str]:
        """Read the names between commas."""
        return names_in(self.cleaned_data["tools"])

    def clean_requester_groups(self) -> list[str]:
        """Read the names between commas."""
        return names_in(self.cleaned_data["requester_groups"])

    def clean_escalate_groups(self) -> list[str]:
        """Read the names between commas."""
        return names_in(self.cleaned_data["escalate_groups"])

    def clean(self) -> dict[str, Any]:
        """Look at the names, so that all that is wrong is told at once."""
        for name, (pattern, hint) in MATCH_HINTS.items():
            if name in self.errors:
                continue
            try:
                names = self.cleaned_data.get(name, [])
                texts(names, (), least=int(name == "tools"), most=MAX_ENTRIES, pattern=pattern, hint=hint)
            except FieldError as exc:
                self.add_error(name, sentence(exc.path, exc.problem))
        return self.cleaned_data

    @property
    def said_effect(self) -> str:
        """What the person chose, deny where they chose nothing."""
        return REVIEW if self.typed.get("effect") == REVIEW else DENY

    def value(self, when: list[JSON], requirements: list[JSON]) -> dict[str, JSON]:
        """Return the rule as the document has it; only for valid forms."""
        said = self.cleaned_data
        fields: dict[str, JSON] = {"name": said["name"]}
        if said["description"].strip():
            fields["description"] = "\n".join(lines(said["description"]))
        match = {name: said[name] for name in MATCH_HINTS if said[name]}
        fields |= {"match": cast(JSON, match), "when": when}
        if said["effect"] == DENY:
            return fields | {"deny": {"message": "\n".join(lines(said["message"]))}}
        return fields | {"review": self._review(requirements)}

    def show(self, path: Path, problem: str) -> None:
        """Put a problem at the field that a path within the rule leads to, else above the form."""
        if path[:1] == ("match",):
            name = str(path[1]) if len(path) > 1 and path[1] in MATCH_HINTS else "tools"
            self.add_error(name, sentence(path[2:], problem))
        else:
            end = next((end for end in (3, 2, 1) if path[:end] in WHERE), len(path))
            self.add_error(WHERE.get(path[:end]), sentence(path[end:], problem))

    def _review(self, requirements: list[JSON]) -> JSON:
        said = self.cleaned_data
        fields: dict[str, JSON] = {"requirements": requirements, "preauthorization": said["preauthorization"]}
        fields["open_minutes"] = _minutes(said, "open") or OPEN_MINUTES
        if within := _minutes(said, "sign_in"):
            fields["sign_in_minutes"] = within
        fields |= {"allow_self": said["allow_self"], "reminders": said["reminders"]}
        later, groups = _minutes(said, "escalate"), said["escalate_groups"]
        if later is None and not groups:
            return fields
        escalate: dict[str, JSON] = {} if later is None else {"after_minutes": later}
        return fields | {"escalate": escalate | {"groups": groups}}


def _minutes(said: Mapping[str, Any], name: str) -> int | None:
    amount = said[f"{name}_amount"]
    return None if amount is None else durations.minutes(amount, said[f"{name}_unit"] or "minutes")
