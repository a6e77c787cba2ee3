"""What REST tells about people and a tool call: whom it asks, what they answered, what they changed, what stays."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.api import shown
from agents.approval import break_glass
from agents.models import Block, Decision, ToolCall, ToolCallRevision
from agents.visibility import User
from audit.rest import Shape

Text, Time, Whole, YesNo = (
    serializers.CharField,
    serializers.DateTimeField,
    serializers.IntegerField,
    serializers.BooleanField,
)


class RequirementShape(Shape):
    """So many people of these groups."""

    round = Whole()
    count = Whole()
    groups = serializers.ListField(source="group_names", child=Text())


class DecisionShape(Shape):
    """What one person answered."""

    person = Text(source="person_name")
    on_behalf_of = Text(source="on_behalf_of.username", default=None, allow_null=True, help_text="Who was away.")
    answer = Text()
    kind = Text(help_text="vote, preauthorization or break_glass")
    surface = Text()
    round = Whole()
    comment = Text()
    digest_seen = Text()
    open_seconds = serializers.SerializerMethodField(help_text="For the person and for who oversees; else null.")
    focus_seconds = serializers.SerializerMethodField(help_text="Of that, with the focus, as the client reports it.")
    expanded = serializers.SerializerMethodField(help_text="Folded parts that were opened, as the client reports it.")
    shown_digest = Text(help_text="Keyed digest of all that was shown; empty: not known.")
    shown_bytes = Whole(allow_null=True, help_text="How long that was, as canonical JSON.")
    is_self_approval = YesNo()
    needs_review = serializers.SerializerMethodField(help_text="A break-glass decision that nobody has reviewed.")
    reviewed_by = Text(source="review.person_name", default=None, allow_null=True)
    review_note = Text(source="review.note", default=None, allow_null=True)
    why_not_review = serializers.SerializerMethodField(help_text="Why you may not review it; empty if you may.")
    created_at = Time()

    def get_open_seconds(self, decision: Decision) -> float | None:
        """Return how long the person looked: how somebody decides is for them, and for who oversees."""
        return decision.open_seconds if self._may_view(decision) else None

    def get_focus_seconds(self, decision: Decision) -> float | None:
        """Return how long of that they had it in focus."""
        return decision.focus_seconds if self._may_view(decision) else None

    @extend_schema_field(serializers.ListField(child=Text(), allow_null=True))
    def get_expanded(self, decision: Decision) -> list[str] | None:
        """Return what they opened."""
        return list(decision.expanded) if self._may_view(decision) else None

    def _may_view(self, decision: Decision) -> bool:
        user: User = self.context["request"].user
        return shown.may_view_haste(user, decision)

    def get_needs_review(self, decision: Decision) -> bool:
        """Return whether it is flagged still."""
        return needs_review(decision)

    def get_why_not_review(self, decision: Decision) -> str:
        """Return the sentence that says why the caller may not review it."""
        if not needs_review(decision):
            return "There is nothing to review."
        return break_glass.why_not_review(decision, self.context["request"].user)


class ChangeShape(Shape):
    """One argument that a person changed: canonical JSON before and after, empty where there was or is none."""

    name = Text()
    before = Text()
    after = Text()


class EditShape(Shape):
    """One revision of the arguments that a person wrote."""

    number = Whole()
    author = Text()
    created_at = Time()
    changes = ChangeShape(many=True, allow_null=True, help_text="Null for who may not read the arguments.")


class BlockShape(Shape):
    """Whether the agent may ask for these arguments in this run."""

    is_blocked = YesNo(help_text="A person rejected them, and nobody has reopened them.")
    repeats = Whole(help_text="How often the agent asked for them again, and was answered without asking people.")
    rejected_call = serializers.UUIDField(allow_null=True, help_text="The call that was rejected, to be reopened.")
    reopened_by = Text(allow_null=True)
    reopened_at = Time(allow_null=True)


def needs_review(decision: Decision) -> bool:
    """Tell whether a break-glass decision is flagged still; its review is loaded with it."""
    return decision.kind == Decision.Kind.BREAK_GLASS and not hasattr(decision, "review")


def block_of(call: ToolCall) -> dict[str, Any]:
    """Return the facts of a BlockShape: what a rejection in the call's run says to its arguments."""
    digests = ToolCallRevision.objects.filter(call=call).values("digest")
    rows = Block.objects.filter(run_id=call.run_id, tool_name=call.tool_name, arguments_digest__in=digests)
    found = list(rows.select_related("reopened_by").order_by("-created_at"))
    last, lifted = found[0] if found else None, next((row for row in found if row.reopened_by), None)
    return {
        "is_blocked": any(row.reopened_at is None for row in found),
        "repeats": sum(row.repeats for row in found),
        "rejected_call": last.call_id if last else None,
        "reopened_by": lifted.reopened_by.get_username() if lifted and lifted.reopened_by else None,
        "reopened_at": lifted.reopened_at if lifted else None,
    }
