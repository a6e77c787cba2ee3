"""The test cases of the draft, and the page that runs all of them."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from audit.canonical import JSON
from policy import case_fields, drafts, publishing, sentences
from policy.admin import reports
from policy.admin.desk import reader
from policy.admin.part import PartAdmin
from policy.differences import case_sentence
from policy.forms.case_editor import CaseEditor
from policy.models import Draft, Rule, RuleTest

MOST_NAMES = 200


class RuleTestList(ChangeList):
    """The list, with how the draft's rules do on each test case."""

    def get_results(self, request: HttpRequest) -> None:
        """Run the test cases, unless the draft is long."""
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        failed = None if reports.is_long() else {failure.case for failure in drafts.failures()}
        for row in self.result_list:
            row.is_passed = None if failed is None else row.name not in failed


@admin.register(RuleTest)
class RuleTestAdmin(PartAdmin):
    """Test cases, in the order of the document."""

    list_display = ("name", "words", "passes", "author", "updated_at")
    list_select_related = ("author",)
    search_fields = ("name", "body")
    ordering = ("position", "id")
    change_list_template = "admin/policy/part_list.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the page that runs all test cases."""
        run = path("run/", self.admin_site.admin_view(self.run), name="policy_ruletest_run")
        return [run, *super().get_urls()]

    def run(self, request: HttpRequest) -> HttpResponse:
        """Show how the draft's rules do on all test cases; it changes nothing."""
        reader(request)
        rows = {row.name: row for row in RuleTest.objects.all()}
        failed = [
            {"row": rows.get(one.case), "problem": one.problem, "verdict": sentences.verdict(one.verdict)}
            for one in drafts.failures()
        ]
        facts = {"failed": failed, "count": len(rows), "passed": len(rows) - len(failed)}
        return self.shown(request, "ruletest_run", "Test cases of the draft", facts)

    @admin.display(description="in words")
    def words(self, row: RuleTest) -> str:
        """Return the test case as a sentence."""
        return self.sentence(row)

    @admin.display(boolean=True)
    def passes(self, row: RuleTest) -> bool | None:
        """Return whether the draft's rules pass it; None where that was not looked at."""
        passed: bool | None = getattr(row, "is_passed", None)
        return passed

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RuleTestList]:
        """Return the list with results."""
        return RuleTestList

    def fresh(self, row: RuleTest | None, hidden: dict[str, str]) -> CaseEditor:
        """Return the form of a test case."""
        return CaseEditor.of_value(row.value if row else {}, **hidden)

    def typed(self, data: Mapping[str, str], order: str = "") -> CaseEditor:
        """Return the form as a browser sent it."""
        return CaseEditor.of_post(data, order=order)

    def keep(self, value: dict[str, JSON], *, editor: AbstractUser, was: str, revision: int) -> Draft:
        """Save a test case."""
        return drafts.save_test(value, editor=editor, was=was, revision=revision)

    def take_out(self, name: str, *, editor: AbstractUser, revision: int) -> Draft:
        """Take a test case out."""
        return drafts.delete_test(name, editor=editor, revision=revision)

    def sentence(self, row: RuleTest) -> str:
        """Return a test case in words."""
        return case_sentence(case_fields.parse(row.value, ()))

    def facts(self, editor: CaseEditor, was: str, *, is_fresh: bool) -> dict[str, Any]:
        """Return the names to choose from and, for a test case that reads well, how the rules do on it."""
        case = editor.case
        if is_fresh and was:
            case = case_fields.parse(RuleTest.objects.get(name=was).value, ())
        return {
            "report": reports.of_case(case) if case else None, "tools": sorted(publishing.tools()),
            "rules": list(Rule.objects.values_list("name", flat=True)[:MOST_NAMES]),
        }  # fmt: skip
