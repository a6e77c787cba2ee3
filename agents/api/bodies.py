"""What clients send about runs, tool calls and halts."""

from django.core.validators import RegexValidator
from rest_framework import serializers

from agents.api.fields import Moment, Seconds
from agents.approval import delegations
from agents.approval.shown_facts import EXPANDABLE
from agents.proposals import MAX_CALLS, MAX_REASON
from agents.runs import MAX_GOAL
from agents.states import RunStatus, Status
from agents.tool_calls import MAX_COMMENT
from audit.rest import Body, Flag, Identifier, Money, Object, Text, Whole


class NewRun(Body):
    """A goal for an agent."""

    goal = Text(max_length=MAX_GOAL)
    agent = Text(max_length=64, help_text="The agent's name.")
    preauthorization = Identifier(required=False, allow_null=True, help_text="The jti of one that names you.")
    budget_usd = Money(required=False, allow_null=True)


class Why(Body):
    """Why something is ended."""

    reason = Text(required=False, default="", allow_blank=True, max_length=MAX_COMMENT)


class LastWords(Body):
    """What an external agent has to say at the end."""

    answer = Text(allow_blank=True, max_length=100_000)


class NewCall(Body):
    """A tool that an external agent asks for."""

    tool = Text(max_length=200)
    arguments = Object()
    reason = Text(max_length=MAX_REASON, help_text="The agent's own words, shown to the approver as such.")


class NewTurn(Body):
    """One turn of an external agent."""

    text = Text(required=False, default="", allow_blank=True, max_length=100_000)
    calls = serializers.ListField(child=NewCall(), min_length=1, max_length=MAX_CALLS)


class Seen(Body):
    """What was on the screen of the person who decides."""

    arguments_digest = Text(validators=[RegexValidator(r"\A[0-9a-f]{64}\Z")])
    round = Whole(min_value=1, max_value=32_767)
    shown_mark = Text(required=False, max_length=1_000, help_text="As the call had it: M1 knows by it what was shown.")
    open_seconds = Seconds(required=False, help_text="How long the person had it before them, as you report it.")
    focus_seconds = Seconds(required=False, help_text="How long of that it had their attention, as you report it.")
    expanded = serializers.ListField(
        child=serializers.ChoiceField(EXPANDABLE), required=False, default=list, max_length=len(EXPANDABLE),
        help_text="Parts that were folded at first and that the person opened, as you report it.",
    )  # fmt: skip


class Yes(Seen):
    """An approval."""

    comment = Text(required=False, default="", allow_blank=True, max_length=MAX_COMMENT)


class No(Seen):
    """A rejection; the agent reads the comment."""

    comment = Text(max_length=MAX_COMMENT)
    stop_run = Flag(required=False, default=False)


class Edited(Seen):
    """Other arguments for a pending call, all of them; the agent reads the comment.

    A masked argument that comes back as it was shown stays what it is.
    """

    arguments = Object()
    comment = Text(max_length=MAX_COMMENT)


class BrokenGlass(Seen):
    """A yes in place of everybody who is asked."""

    reason = Text(max_length=MAX_COMMENT)


class Review(Body):
    """What a second person found about a break-glass decision."""

    note = Text(max_length=MAX_COMMENT)


class Reopening(Body):
    """Why the agent may ask again for what was rejected."""

    reason = Text(max_length=MAX_COMMENT)


class Stopping(Body):
    """Why a call that was let go is stopped; the agent reads it."""

    reason = Text(max_length=MAX_COMMENT)


class Settlement(Body):
    """How a lost call ended."""

    outcome = serializers.ChoiceField(["succeeded", "failed"])
    note = Text(max_length=MAX_COMMENT)


class NewHalt(Body):
    """A stop on everything, or on the agent or the tool that is named."""

    reason = Text(max_length=MAX_COMMENT)
    agent = Text(required=False, max_length=64)
    tool = Text(required=False, max_length=64)


class NewDelegation(Body):
    """Who decides in your place while you are away."""

    delegate = Text(max_length=150, help_text="A username.")
    starts_at = Moment(required=False, help_text="Left out: now.")
    ends_at = Moment()
    reason = Text(max_length=delegations.MAX_REASON)


class Question(Body):
    """A call to try on the policy, as if a run of yours had asked for it."""

    agent = Text(max_length=64)
    tool = Text(max_length=200)
    arguments = Object()


class RunQuery(Body):
    """Which runs to list; what it reads are Django's look-ups."""

    status = serializers.ChoiceField(RunStatus.values, required=False)
    agent = Text(source="agent__name", required=False, max_length=64)


class CallQuery(Body):
    """Which tool calls to list."""

    status = serializers.ChoiceField(Status.values, required=False)
    run = Identifier(source="run_id", required=False)
    tool = Text(source="tool_name", required=False, max_length=200)
    waiting_for_me = serializers.ChoiceField(["true"], required=False, help_text="Those that you may decide now.")
    needs_review = serializers.ChoiceField(
        ["true"], required=False, help_text="Those with a break-glass decision that nobody has reviewed."
    )


class StateQuery(Body):
    """Whether to list what is over, too."""

    state = serializers.ChoiceField(["all"], required=False, help_text="Left out: what is not over.")
