"""One row of a rule's outline: a condition, or the head of a group."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms

from audit.canonical import JSON
from policy.arguments import Schema
from policy.errors import FieldError
from policy.forms import values
from policy.forms.known import types_of
from policy.forms.outline import ALL, ANY, CONDITION, MOST_STEPS, NONE, Row
from policy.forms.row_form import RowForm
from policy.leaf_fields import parse
from policy.operators import OPERATORS

GROUPED = {
    "compare": ("equals", "not_equals", "greater_than", "at_least", "less_than", "at_most"),
    "list of values": ("in", "not_in"),
    "text": ("starts_with", "ends_with", "contains", "matches", "length_at_most", "length_at_least"),
    "place or address": ("path_inside", "url_host_in", "email_domain_in"),
    "given or not": ("is_present", "is_absent"),
}
WHAT = {CONDITION: "the argument", ANY: "any of these:", ALL: "all of these:", NONE: "none of these:"}
HEAD = "A heading has no condition of its own: empty its boxes, and put the condition in a row of its own below."
STEPS = [(str(step), str(step)) for step in range(MOST_STEPS + 1)]
QUANTIFIERS = {"": "itself", "any_of": "– any item", "all_of": "– every item", "none_of": "– no item"}
IF_MISSING = {"": "deny the call", "match": "count as a match", "no_match": "count as no match"}
NAMES = ("indent", "what", "argument", "quantifier", "operator", "value", "kind", "if_missing")
BLANK = dict.fromkeys(NAMES, "") | {"indent": "0", "what": CONDITION}


def _operators() -> list[Any]:
    groups = [(group, [(name, OPERATORS[name].holds) for name in names]) for group, names in GROUPED.items()]
    return [("", "choose…"), *groups]


class ConditionForm(RowForm):
    """The boxes of a row; an empty condition is no condition."""

    telling = ("argument", "operator", "value")
    fallback = "what"
    indent = forms.ChoiceField(label="steps in", choices=STEPS)
    what = forms.ChoiceField(label="kind of row", choices=list(WHAT.items()))
    argument = forms.CharField(
        label="argument", required=False, max_length=200,
        widget=forms.TextInput(attrs={"list": "known-arguments", "autocomplete": "off", "placeholder": "…"}),
    )  # fmt: skip
    quantifier = forms.ChoiceField(label="itself or its items", choices=list(QUANTIFIERS.items()), required=False)
    operator = forms.ChoiceField(label="comparison", choices=_operators, required=False)
    value = forms.CharField(
        label="value", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 1, "placeholder": "…"})
    )
    kind = forms.ChoiceField(label="kind of value", choices=list(values.KINDS.items()), required=False)
    if_missing = forms.ChoiceField(label="if it is missing", choices=list(IF_MISSING.items()), required=False)

    def __init__(self, typed: Mapping[str, str], *, prefix: str, checked: bool, tools: Mapping[str, Schema]) -> None:
        super().__init__(typed, prefix=prefix, checked=checked)
        self.tools = tools

    @property
    def is_blank(self) -> bool:
        """Whether the row says nothing; the head of a group always says something."""
        return self.typed.get("what", CONDITION) in (CONDITION, "") and super().is_blank

    @property
    def is_head(self) -> bool:
        """Whether the row is the head of a group."""
        return self.typed.get("what") in (ANY, ALL, NONE)

    def row(self) -> Row:
        """Return the row of the outline; only for valid forms."""
        leaf = self.cleaned_data.get("leaf", {})
        return Row(int(self.cleaned_data["indent"]), self.cleaned_data["what"], leaf)

    def clean(self) -> dict[str, Any]:
        """Read the condition as the document has it; what is wrong stands at its field."""
        said = self.cleaned_data
        if self.is_head and any(self.typed.get(name, "").strip() for name in ("argument", "value")):
            self.add_error("what", HEAD)
        elif not self.errors and said["what"] == CONDITION and not self.is_blank:
            try:
                said["leaf"] = leaf_of(said, self.tools)
                parse(said["leaf"], ())
            except FieldError as exc:
                self.show(exc.path, exc.problem)
        return said


def leaf_of(said: Mapping[str, str], tools: Mapping[str, Schema]) -> dict[str, JSON]:
    """Return a condition of the document; raises FieldError for a value of no kind."""
    leaf: dict[str, JSON] = {"argument": said["argument"], "operator": said["operator"]}
    if said["operator"]:
        types = types_of(said["argument"], tools)
        value = values.read(said["value"], said["operator"], said["kind"], types)
        leaf |= {} if value is None else {"value": value}
    return leaf | {name: said[name] for name in ("quantifier", "if_missing") if said[name]}


def rows_of(rows: Iterable[Row]) -> list[dict[str, str]]:
    """Return the rows of an outline as a browser sends them."""
    return [_typed(row) for row in rows]


def _typed(row: Row) -> dict[str, str]:
    text, kind = values.write(row.leaf.get("value"))
    said = {name: cast(str, row.leaf.get(name, "")) for name in ("argument", "quantifier", "operator", "if_missing")}
    return BLANK | said | {"indent": str(row.indent), "what": row.what, "value": text, "kind": kind}
