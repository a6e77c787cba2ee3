"""Verdicts in the admin: what policy answered to a call, as sentences."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from policy.models import PolicyCheck
from policy.readonly import ReadOnlyAdmin
from policy.reveal import reveal

OUTCOMES = {"denied": "Denied", "needs_approval": "Needs approval", "preauthorized": "Allowed by a pre-authorisation"}


@admin.register(PolicyCheck)
class PolicyCheckAdmin(ReadOnlyAdmin):
    """Every evaluation, with all that it answered."""

    list_display = ("created_at", "tool_name", "outcome", "phase", "policy_version", "microseconds", "request_id")
    list_filter = ("outcome", "phase", "policy_version")
    list_select_related = ("policy_version",)
    date_hierarchy = "created_at"
    search_fields = ("^request_id", "tool_name", "^arguments_digest")
    ordering = ("-created_at", "-id")
    fields = (
        *("answer", "reasons", "matched", "page", "tool_name", "version", "phase", "microseconds"),
        *("created_at", "tool_digest", "arguments_digest"),
    )
    readonly_fields = ("answer", "reasons", "matched", "page", "version")

    @admin.display(description="verdict")
    def answer(self, check: PolicyCheck) -> str:
        """Return the outcome in words."""
        return OUTCOMES.get(check.outcome, check.outcome)

    @admin.display(description="why")
    def reasons(self, check: PolicyCheck) -> SafeString:
        """Return the verdict's sentences, one under another, hidden characters shown."""
        said = ((reveal(str(one.get("sentence", ""))),) for one in check.verdict.get("reasons", ()))
        return format_html('<ul class="m1-list">{}</ul>', format_html_join("", "<li>{}</li>", said))

    @admin.display(description="rules that matched")
    def matched(self, check: PolicyCheck) -> str:
        """Return the names of every rule that matched, denying ones included."""
        return ", ".join(check.verdict.get("matched", ())) or "none"

    @admin.display(description="tool call")
    def page(self, check: PolicyCheck) -> SafeString:
        """Return the way to the page of the call."""
        return format_html('<a href="{}">{}</a>', reverse("approval", args=[check.request_id]), check.request_id)

    @admin.display(description="policy")
    def version(self, check: PolicyCheck) -> SafeString | str:
        """Return the way to the version that judged."""
        if check.policy_version is None:
            return "none: the call never reached the rules"
        address = reverse("admin:policy_policyversion_change", args=[check.policy_version.pk])
        return format_html('<a href="{}">{}</a>', address, check.policy_version)
