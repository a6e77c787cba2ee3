"""The rules of the draft."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import AbstractUser, Group
from django.http import HttpRequest

from audit.canonical import JSON
from policy import drafts, publishing, rule_fields, sentences
from policy.admin import reports
from policy.admin.part import PartAdmin
from policy.forms.rule_editor import RuleEditor
from policy.models import Draft, Rule

MOST_CHARACTERS, MOST_NAMES = 200, 200
NEW: dict[str, Any] = {"review": {"requirements": [{"count": 1, "groups": []}]}}


class RuleList(ChangeList):
    """The list, with what lint says of each rule; of a long draft its page says that, once for all."""

    def get_results(self, request: HttpRequest) -> None:
        """Count the findings of the rules on this page."""
        super().get_results(request)
        counts = None if reports.is_long() else Counter(finding.where for finding in drafts.findings())
        self.result_list: list[Any] = list(self.result_list)
        for row in self.result_list:
            row.finding_count = None if counts is None else counts[f"rule {row.name}"]


@admin.register(Rule)
class RuleAdmin(PartAdmin):
    """Rules, in the order of the document, which changes no verdict."""

    list_display = ("name", "words", "effect", "tools", "findings", "author", "updated_at")
    list_display_links = ("name",)
    list_select_related = ("author",)
    search_fields = ("name", "body")
    ordering = ("position", "id")
    change_list_template = "admin/policy/part_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RuleList]:
        """Return the list with findings."""
        return RuleList

    @admin.display(description="in words")
    def words(self, row: Rule) -> str:
        """Return the rule as a sentence, cut."""
        said = self.sentence(row)
        return said if len(said) <= MOST_CHARACTERS else f"{said[:MOST_CHARACTERS]}…"

    @admin.display
    def effect(self, row: Rule) -> str:
        """Return deny or review."""
        return "deny" if "deny" in row.value else "review"

    @admin.display
    def tools(self, row: Rule) -> str:
        """Return which tools it looks at."""
        return ", ".join(row.value["match"]["tools"])

    @admin.display
    def findings(self, row: Rule) -> str:
        """Return how many things lint says of the rule."""
        count: int | None = getattr(row, "finding_count", None)
        return "see the draft" if count is None else str(count or "none")

    def fresh(self, row: Rule | None, hidden: dict[str, str]) -> RuleEditor:
        """Return the form of a rule."""
        return RuleEditor.of_value(row.value if row else NEW, publishing.tools(), **hidden)

    def typed(self, data: Mapping[str, str], order: str = "") -> RuleEditor:
        """Return the form as a browser sent it."""
        return RuleEditor.of_post(data, publishing.tools(), order=order)

    def keep(self, value: dict[str, JSON], *, editor: AbstractUser, was: str, revision: int) -> Draft:
        """Save a rule."""
        return drafts.save_rule(value, editor=editor, was=was, revision=revision)

    def take_out(self, name: str, *, editor: AbstractUser, revision: int) -> Draft:
        """Take a rule out."""
        return drafts.delete_rule(name, editor=editor, revision=revision)

    def sentence(self, row: Rule) -> str:
        """Return a rule in words."""
        return sentences.rule(rule_fields.parse(row.value, ()))

    def facts(self, editor: RuleEditor, was: str, *, is_fresh: bool) -> dict[str, Any]:
        """Return the names to choose from and, for a rule that reads well, what it means."""
        rule = editor.rule
        if is_fresh and was:
            rule = rule_fields.parse(Rule.objects.get(name=was).value, ())
        report = reports.of_rule(rule, was, is_asked=not is_fresh) if rule else None
        return {
            "report": report, "tools": sorted(publishing.tools()),
            "groups": list(Group.objects.order_by("name").values_list("name", flat=True)[:MOST_NAMES]),
        }  # fmt: skip
