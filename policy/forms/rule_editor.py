"""The whole form of a rule: its sentence, the rows of its conditions and requirements, and every error at its field."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms

from audit.canonical import JSON
from policy import rule_fields
from policy.arguments import Schema
from policy.errors import FieldError
from policy.forms import condition, outline, requirement, rows
from policy.forms.condition import ConditionForm
from policy.forms.known import arguments_of, reached
from policy.forms.lists import split_names
from policy.forms.outline import Places
from policy.forms.requirement import RequirementForm
from policy.forms.rows import Data
from policy.forms.rule import REVIEW, RuleForm
from policy.forms.rule_typed import typed
from policy.rules import Rule

MOST_ROWS = 100  # of eight boxes each: Django reads a thousand boxes of a form
ASTRAY = "This row stands further in than any group above it: put it under one, or move it out."


class RuleEditor:
    """A rule as it is being written.

    main        everything but the rows
    conditions  the outline, empty rows included
    needs       who must approve, empty rows included
    tools       those that the rule's patterns reach, with their schemas
    rule        what `value` read, None before
    """

    def __init__(
        self, data: Data, when: Sequence[Data], needs: Sequence[Data], tools: Mapping[str, Schema], *, checked: bool
    ) -> None:
        self.main = RuleForm(data, checked=checked)
        self.tools = reached(_patterns(data.get("tools", "")), tools)
        self.conditions = [
            ConditionForm(row, prefix=f"when-{number}", checked=checked, tools=self.tools)
            for number, row in enumerate(when)
        ]
        self.needs = [
            RequirementForm(row, prefix=f"need-{number}", checked=checked)
            for number, row in enumerate(needs or [requirement.BLANK])
        ]
        self.rule: Rule | None = None

    @classmethod
    def of_value(cls, value: Mapping[str, Any], tools: Mapping[str, Schema], **hidden: str) -> "RuleEditor":
        """Return the form of a rule of the document, with an empty row to go on."""
        when = condition.rows_of(outline.flatten(value.get("when", ())))
        needs = requirement.rows_of(value.get("review", {}).get("requirements", ()))
        spare = [condition.BLANK] * max(1, 2 - len(when))
        return cls(typed(value) | hidden, [*when, *spare], needs, tools, checked=False)

    @classmethod
    def of_post(cls, data: Data, tools: Mapping[str, Schema], *, order: str = "") -> "RuleEditor":
        """Return the form as a browser sent it, to be judged.

        order   of a button that moves rows, `when:insert:2`, `need:add`: then nothing is judged yet
        """
        which, _, act = order.partition(":")
        when: list[Data] = [*rows.read(data, "when", condition.NAMES)]
        needs: list[Data] = [*rows.read(data, "need", requirement.NAMES)]
        when = rows.ordered(when, act, condition.BLANK) if which == "when" else when
        needs = rows.ordered(needs, act, requirement.BLANK) if which == "need" else needs
        return cls(data, when or [condition.BLANK], needs, tools, checked=not order)

    @property
    def forms(self) -> list[forms.Form]:
        """Everything with boxes."""
        return [self.main, *self.conditions, *self.needs]

    @property
    def is_wrong(self) -> bool:
        """Whether something stands at a box."""
        return any(form.is_bound and form.errors for form in self.forms)

    def value(self) -> dict[str, JSON] | None:
        """Return the rule as the document has it, or None where something is wrong, which then stands at its field."""
        when = [form for form in self.conditions if not form.is_blank]
        needs = [form for form in self.needs if not form.is_blank] if self.main.said_effect == REVIEW else []
        if not all([form.is_valid() for form in (self.main, *when, *needs)]):  # a list: each of them, to show them all
            return None
        nested = outline.nest([form.row() for form in when])
        for number in nested.astray:
            when[number].add_error("indent", ASTRAY)
        value = self.main.value(nested.when, [form.value() for form in needs])
        try:
            self.rule = rule_fields.parse(value, ())
        except FieldError as exc:
            self._show(exc, when, needs, nested.places)
        return value if self.rule and not nested.astray else None

    @property
    def is_too_long(self) -> bool:
        """Whether the rule has more rows than a form can carry."""
        return len(self.conditions) + len(self.needs) > MOST_ROWS

    @property
    def arguments(self) -> list[str]:
        """The names of the arguments of the tools that the rule reaches."""
        return arguments_of(self.tools)

    def _show(
        self,
        problem: FieldError,
        when: Sequence[ConditionForm],
        needs: Sequence[RequirementForm],
        places: Places,
    ) -> None:
        path = problem.path
        if found := outline.row_of(path, places):
            when[found[0]].show(found[1], problem.problem)
        elif path[:2] == ("review", "requirements") and len(path) > 2:
            needs[cast(int, path[2])].show(path[3:], problem.problem)
        elif path[:2] == ("review", "requirements"):
            self.needs[0].show((), "is empty: say how many people of which group must approve")
        elif path[:1] == ("when",):
            self.conditions[0].show((), problem.problem)
        else:
            self.main.show(path, problem.problem)


def _patterns(written: str) -> list[str]:
    try:
        return split_names(written, ())
    except FieldError:
        return []
