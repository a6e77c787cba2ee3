"""What the forms of rows have in common: shown as typed, judged only when asked, and blank rows never wrong."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from policy.forms.saying import sentence
from policy.reading import Path


class RowForm(forms.Form):
    """One row.

    telling   the boxes that make a row say something
    fallback  the box that takes a problem of the whole row
    typed     the texts of the boxes by name, as a browser sends them
    """

    use_required_attribute = False
    telling: ClassVar[tuple[str, ...]]
    fallback: ClassVar[str]

    def __init__(self, typed: Mapping[str, str], *, prefix: str, checked: bool) -> None:
        self.typed = typed
        data = {f"{prefix}-{name}": text for name, text in typed.items()} if checked else None
        super().__init__(data, prefix=prefix, initial=dict(typed), empty_permitted=True)

    @property
    def is_blank(self) -> bool:
        """Whether the row says nothing."""
        return not any(self.typed.get(name, "").strip() for name in self.telling)

    def has_changed(self) -> bool:
        """Tell whether there is something to judge."""
        return not self.is_blank

    def show(self, path: Path, problem: str) -> None:
        """Put a problem at the box that a path within the row leads to."""
        name = str(path[0]) if path and path[0] in self.fields else self.fallback
        self.add_error(name, sentence(path[1:], problem))

    def clean(self) -> dict[str, Any]:
        """Return what was read."""
        return self.cleaned_data
