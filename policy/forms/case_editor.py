"""The whole form of a test case: its call, its expectation, the rows of who must approve."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms

from audit.canonical import JSON
from policy import case_fields
from policy.cases import Case
from policy.errors import FieldError
from policy.forms import requirement, rows
from policy.forms.case import CaseForm, typed
from policy.forms.requirement import RequirementForm
from policy.forms.rows import Data


class CaseEditor:
    """A test case as it is being written.

    main   everything but the rows
    needs  who must approve, empty rows included
    case   what `value` read, None before
    """

    def __init__(self, data: Data, needs: Sequence[Data], *, checked: bool) -> None:
        self.main = CaseForm(data, checked=checked)
        self.needs = [
            RequirementForm(row, prefix=f"need-{number}", checked=checked)
            for number, row in enumerate(needs or [requirement.BLANK])
        ]
        self.case: Case | None = None

    @classmethod
    def of_value(cls, value: Mapping[str, Any], **hidden: str) -> "CaseEditor":
        """Return the form of a test case of the document."""
        needs = requirement.rows_of(value.get("expect", {}).get("requirements", ()))
        return cls(typed(value) | hidden, needs, checked=False)

    @classmethod
    def of_post(cls, data: Data, *, order: str = "") -> "CaseEditor":
        """Return the form as a browser sent it, to be judged; after the order of a button nothing is judged yet."""
        which, _, act = order.partition(":")
        needs: list[Data] = [*rows.read(data, "need", requirement.NAMES)]
        needs = rows.ordered(needs, act, requirement.BLANK) if which == "need" else needs
        return cls(data, needs, checked=not order)

    @property
    def forms(self) -> list[forms.Form]:
        """Everything with boxes."""
        return [self.main, *self.needs]

    @property
    def is_wrong(self) -> bool:
        """Whether something stands at a box."""
        return any(form.is_bound and form.errors for form in self.forms)

    def value(self) -> dict[str, JSON] | None:
        """Return the test case as the document has it, or None where something is wrong, which stands at its box."""
        asked = self.main.typed.get("with_requirements")
        needs = [form for form in self.needs if not form.is_blank] if asked else []
        if not all([form.is_valid() for form in (self.main, *needs)]):  # a list: each of them, to show them all
            return None
        value = self.main.value([form.value() for form in needs])
        try:
            self.case = case_fields.parse(value, ())
        except FieldError as exc:
            self.show(exc, needs)
        return value if self.case else None

    def show(self, problem: FieldError, needs: Sequence[RequirementForm] = ()) -> None:
        """Put a problem of the test case where it belongs."""
        path = problem.path
        if path[:2] != ("expect", "requirements"):
            self.main.show(path, problem.problem)
        elif len(path) > 2:
            needs[cast(int, path[2])].show(path[3:], problem.problem)
        else:
            self.needs[0].show((), f"{problem.problem}: say how many people of which group, or take the tick away")
