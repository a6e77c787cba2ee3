"""A test case as a form: a made-up call, and what the rules must say to it."""

import json
from collections.abc import Mapping
from typing import Any, cast

from django import forms

from audit import canonical
from audit.canonical import JSON
from audit.errors import MalformedJSONError
from policy.case_fields import OUTCOMES, TEXTS
from policy.errors import FieldError
from policy.forms.lists import join_names, quoted, unquoted
from policy.forms.requirement import names_in
from policy.forms.saying import sentence
from policy.reading import Path

OUTCOME_WORDS = {"denied": "the call is denied", "needs_approval": "the call needs approval"}
AHEAD = {"": "is not looked at", "yes": "may stand in", "no": "may not stand in"}
_TRUTHS = {"yes": True, "no": False}


def _line(label: str, *, required: bool = False, **attributes: object) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off"} | attributes)
    return forms.CharField(label=label, required=required, strip=False, widget=widget)


class CaseForm(forms.Form):
    """Everything of a test case but the rows of who must approve.

    typed     the texts of the boxes by name, as a browser sends them
    revision  of the draft that the person saw
    seen      digest of the test case's body as they saw it
    """

    use_required_attribute = False
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    name = _line("name", required=True, placeholder="what must be so, in a few words")
    tool = _line("tool", required=True, list="known-tools")
    arguments = forms.CharField(
        required=False, strip=False, help_text='As JSON: {"path": "archive/2019.txt"}. Empty: no argument.',
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )  # fmt: skip
    agent = _line("agent", placeholder="any agent")
    environment = _line("environment", placeholder="any environment")
    requester = _line("requester", placeholder="anybody")
    requester_groups = _line("groups of the requester", placeholder="none")
    outcome = forms.ChoiceField(label="then", choices=list(OUTCOME_WORDS.items()), widget=forms.RadioSelect)
    with_rules = forms.BooleanField(label="and exactly these rules match", required=False)
    rules = forms.CharField(
        label="rules", required=False, widget=forms.Textarea(attrs={"rows": 1, "placeholder": "no rule"})
    )
    with_requirements = forms.BooleanField(label="and exactly these people must approve", required=False)
    preauthorization = forms.ChoiceField(label="A pre-authorisation", choices=list(AHEAD.items()), required=False)

    def __init__(self, typed: Mapping[str, str], *, checked: bool) -> None:
        self.typed = typed
        super().__init__(typed if checked else None, initial=dict(typed))

    def clean_arguments(self) -> JSON:
        """Read the arguments as M1 reads JSON: strictly."""
        try:
            return canonical.parse(self.cleaned_data["arguments"].strip().encode() or b"{}")
        except MalformedJSONError as exc:
            raise forms.ValidationError(f"This is not JSON as M1 reads it: {exc.facts['reason']}.") from None

    def clean_requester_groups(self) -> list[str]:
        """Read the names between commas."""
        return names_in(self.cleaned_data["requester_groups"])

    def clean_rules(self) -> list[str]:
        """Read the names between commas."""
        return names_in(self.cleaned_data["rules"])

    def clean(self) -> dict[str, Any]:
        """Take the quotes off what stands in quotes."""
        for name in ("name", "tool", *TEXTS):
            try:
                self.cleaned_data[name] = unquoted(self.cleaned_data.get(name, ""), ())
            except FieldError as exc:
                self.add_error(name, sentence((), exc.problem))
        return self.cleaned_data

    def value(self, requirements: list[JSON]) -> dict[str, JSON]:
        """Return the test case as the document has it; only for valid forms."""
        said = self.cleaned_data
        call = {"tool": said["tool"], "arguments": said["arguments"]}
        call |= {name: said[name] for name in (*TEXTS, "requester_groups") if said[name]}
        expect: dict[str, JSON] = {"outcome": said["outcome"]}
        if said["with_rules"]:
            expect["rules"] = said["rules"]
        if said["with_requirements"]:
            expect["requirements"] = requirements
        if said["preauthorization"]:
            expect["preauthorization"] = _TRUTHS[said["preauthorization"]]
        return {"name": said["name"], "call": call, "expect": expect}

    def show(self, path: Path, problem: str) -> None:
        """Put a problem at the box that a path within the test case leads to, else above the form."""
        inner = path[1:] if path[:1] in (("call",), ("expect",)) else path
        name = str(inner[0]) if inner and inner[0] in self.fields else None
        self.add_error(name, sentence(inner[1:] if name != "arguments" else (), problem))


def typed(value: Mapping[str, Any]) -> dict[str, str]:
    """Return a test case of the document as a browser sends it, without its rows."""
    call, expect = value.get("call", {}), value.get("expect", {})
    said = {name: quoted(call[name]) for name in ("tool", *TEXTS) if call.get(name)}
    said |= {"name": quoted(value["name"])} if value.get("name") else {}
    said["arguments"] = json.dumps(call.get("arguments", {}), ensure_ascii=False, indent=2)
    said["requester_groups"] = join_names(call.get("requester_groups", ()))
    said["rules"] = join_names(expect.get("rules", ()))
    said["outcome"] = cast(str, expect.get("outcome", OUTCOMES[0]))
    said |= {f"with_{name}": "on" for name in ("rules", "requirements") if name in expect}
    ahead = expect.get("preauthorization")
    return said | {"preauthorization": "" if ahead is None else "yes" if ahead else "no"}
