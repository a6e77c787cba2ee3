"""Decisions in the admin: what people answered, to what, where, in whose place; and what still wants a second look."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from agents import visibility
from agents.admin.history import link
from agents.models import Decision
from policy.readonly import ReadOnlyAdmin
from policy.reveal import reveal

MAY_SEE_TIMES = "agents.view_oversight"
TIMES = ("open_seconds", "focus_seconds")
FLAGS = {
    "unreviewed": ("glass broken, not reviewed", Q(kind=Decision.Kind.BREAK_GLASS, review=None)),
    "reviewed": ("glass broken, reviewed", Q(kind=Decision.Kind.BREAK_GLASS, review__isnull=False)),
    "own": ("own request", Q(is_self_approval=True)),
    "stand-in": ("in another's place", Q(on_behalf_of__isnull=False)),
}


class FlagFilter(admin.SimpleListFilter):
    """Decisions that an auditor looks at first."""

    title = "flag"
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the flags."""
        return [(name, words) for name, (words, _) in FLAGS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> QuerySet[Decision]:
        """Return the decisions with the flag."""
        chosen = FLAGS.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """What people answered. How long a page was open is for those who oversee people."""

    list_display = ("created_at", "person_name", "answer", "flags", "kind", "surface", "page", "round", "comment_text")
    list_filter = (FlagFilter, "answer", "kind", "surface")
    list_select_related = ("call", "review", "on_behalf_of")
    date_hierarchy = "created_at"
    search_fields = ("person_name", "comment", "^call__request_id", "call__tool_name")
    ordering = ("-created_at", "-id")
    fields = (
        *("page", "round", "person", "person_name", "on_behalf_of", "answer", "kind", "flags", "token", "surface"),
        *("comment_text", "digest_seen", "shown", "is_self_approval", "reviewed", "created_at"),
    )
    readonly_fields = ("page", "comment_text", "flags", "shown", "expanded_parts", "reviewed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        """Return the decisions on what the person may see."""
        return Decision.objects.filter(call__in=visibility.calls_visible_to(request.user))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the columns."""
        return (*self.list_display, *TIMES) if request.user.has_perm(MAY_SEE_TIMES) else self.list_display

    def get_fields(self, request: HttpRequest, obj: Decision | None = None) -> tuple[str, ...]:
        """Return the fields."""
        return (*self.fields, *TIMES, "expanded_parts") if request.user.has_perm(MAY_SEE_TIMES) else self.fields

    @admin.display(description="tool call")
    def page(self, decision: Decision) -> SafeString:
        """Return the way to the page of the call."""
        return link("approval", decision.call_id, reveal(decision.call.headline[:80], one_line=True))

    @admin.display(description="comment")
    def comment_text(self, decision: Decision) -> str:
        """Return the comment, hidden characters shown."""
        return reveal(decision.comment)

    @admin.display
    def flags(self, decision: Decision) -> str:
        """Return what is unusual about it."""
        broken = decision.kind == Decision.Kind.BREAK_GLASS
        found = {
            "glass broken, not reviewed": broken and not hasattr(decision, "review"),
            "glass broken, reviewed": broken and hasattr(decision, "review"),
            "own request": decision.is_self_approval,
            f"in the place of {decision.on_behalf_of}": decision.on_behalf_of_id is not None,
        }
        return ", ".join(words for words, is_so in found.items() if is_so)

    @admin.display(description="what was shown")
    def shown(self, decision: Decision) -> str:
        """Return the digest and the length of all that stood on the page."""
        if decision.shown_bytes is None:
            return "not known"
        return f"{decision.shown_bytes:,} bytes as canonical JSON, keyed digest {decision.shown_digest}"

    @admin.display(description="opened, as the client reports it")
    def expanded_parts(self, decision: Decision) -> str:
        """Return the parts of the page that were folded at first."""
        return ", ".join(decision.expanded) or "nothing reported"

    @admin.display(description="reviewed")
    def reviewed(self, decision: Decision) -> str:
        """Return who looked at it afterwards, and what they wrote."""
        review = getattr(decision, "review", None)
        return f"{review.person_name}, {review.created_at:%Y-%m-%d %H:%M} UTC: {reveal(review.note)}" if review else ""
