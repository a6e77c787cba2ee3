"""One row of who must approve: how many, of which groups."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms

from audit.canonical import JSON
from policy.errors import FieldError
from policy.forms.lists import join_names, split_names
from policy.forms.row_form import RowForm
from policy.forms.saying import sentence
from policy.rule_fields import MAX_COUNT

NAMES = ("count", "groups")
BLANK = {"count": "", "groups": ""}


class RequirementForm(RowForm):
    """How many people of which groups; an empty row asks nobody."""

    telling = NAMES
    fallback = "groups"
    count = forms.IntegerField(label="how many", min_value=1, max_value=MAX_COUNT)
    groups = forms.CharField(label="of the groups", widget=forms.Textarea(attrs={"rows": 1}))

    def clean_groups(self) -> list[str]:
        """Read the names between commas."""
        return names_in(self.cleaned_data["groups"])

    def value(self) -> dict[str, JSON]:
        """Return the requirement as the document has it; only for valid forms."""
        return {"count": self.cleaned_data["count"], "groups": list[JSON](self.cleaned_data["groups"])}


def names_in(written: str) -> list[str]:
    """Return the names between commas; raises ValidationError."""
    try:
        return split_names(written, ())
    except FieldError as exc:
        raise forms.ValidationError(sentence((), exc.problem)) from None


def rows_of(requirements: Iterable[JSON]) -> list[dict[str, str]]:
    """Return requirements of the document as a browser sends them."""
    return [_typed(cast("Mapping[str, Any]", one)) for one in requirements]


def _typed(requirement: Mapping[str, Any]) -> dict[str, str]:
    return {"count": str(requirement["count"]), "groups": join_names(requirement["groups"])}
