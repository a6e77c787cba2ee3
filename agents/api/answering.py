"""What people do to a tool call: each view translates, calls the one function that does it, and tells what is now."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import tool_calls
from agents.api import bodies, call_rows, shown
from agents.api.call_answers import CallDetail
from agents.approval import blocks, break_glass, editing
from agents.errors import WrongStateError
from agents.models import Decision
from audit import canonical
from audit.rest import caller


class Approve(APIView):
    """A person's yes."""

    @extend_schema(request=bodies.Yes, responses=CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Approve what you saw; 409 if the call is not that any more."""
        call_rows.visible(request, request_id)
        body = bodies.Yes.read(request)
        seen = call_rows.seen(request, request_id, body)
        tool_calls.approve(request_id, actor=caller(request), seen=seen, comment=body["comment"])
        return call_rows.told(request, request_id)


class Reject(APIView):
    """A person's no."""

    @extend_schema(request=bodies.No, responses=CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Reject what you saw, and say why; the agent reads it, and is not to ask for the same again in this run."""
        call_rows.visible(request, request_id)
        body = bodies.No.read(request)
        said = {"comment": body["comment"], "stop_run": body["stop_run"]}
        tool_calls.reject(request_id, actor=caller(request), seen=call_rows.seen(request, request_id, body), **said)
        return call_rows.told(request, request_id)


class Edit(APIView):
    """Other arguments for a pending call."""

    @extend_schema(request=bodies.Edited, responses=CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Change the arguments that you saw. Policy judges them, a new round begins, and somebody else decides."""
        call = call_rows.visible(request, request_id)
        body = bodies.Edited.read(request)
        arguments = canonical.encode(shown.unmasked(call, body["arguments"]))
        seen = call_rows.seen(request, request_id, body)
        editing.edit(request_id, actor=caller(request), seen=seen, arguments=arguments, comment=body["comment"])
        return call_rows.told(request, request_id)


class BreakGlass(APIView):
    """One person's yes in place of everybody who is asked."""

    @extend_schema(request=bodies.BrokenGlass, responses=CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Approve what you saw alone, in an emergency; it stays flagged until a second person has reviewed it."""
        call_rows.visible(request, request_id)
        body = bodies.BrokenGlass.read(request)
        seen = call_rows.seen(request, request_id, body)
        break_glass.break_glass(request_id, actor=caller(request), seen=seen, reason=body["reason"])
        return call_rows.told(request, request_id)


class Review(APIView):
    """A second person's look at a break-glass decision."""

    @extend_schema(request=bodies.Review, responses=CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Say what you found about the break-glass decision of the call: the oldest that nobody has reviewed."""
        call = call_rows.visible(request, request_id)
        note = bodies.Review.read(request)["note"]
        broken = call.decisions.filter(kind=Decision.Kind.BREAK_GLASS).order_by("created_at")
        decision = broken.filter(review=None).first() or broken.last()
        if decision is None:
            raise WrongStateError(why="nobody broke the glass for this call.")
        break_glass.review(decision.pk, actor=caller(request), note=note)
        return call_rows.told(request, request_id)


class Reopen(APIView):
    """The end of a rejection's force."""

    @extend_schema(request=bodies.Reopening, responses=CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Let the agent ask again, in this run, for what was rejected."""
        call_rows.visible(request, request_id)
        blocks.reopen(request_id, actor=caller(request), reason=bodies.Reopening.read(request)["reason"])
        return call_rows.told(request, request_id)


class Cancel(APIView):
    """The end of one call that was let go, before it ends by itself."""

    @extend_schema(request=bodies.Stopping, responses=CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Stop an approved call, or the tool of one that runs; its run goes on.

        `isStopAsked` while the tool's processes are being ended: read the call again for how it came to rest.
        """
        call_rows.visible(request, request_id)
        tool_calls.cancel(request_id, actor=caller(request), **bodies.Stopping.read(request))
        return call_rows.told(request, request_id)


class Settle(APIView):
    """How a lost call ended."""

    @extend_schema(request=bodies.Settlement, responses=CallDetail)
    def post(self, request: Request, request_id: UUID) -> Response:
        """Say how a lost call ended; the run goes on."""
        call_rows.visible(request, request_id)
        tool_calls.settle(request_id, actor=caller(request), **bodies.Settlement.read(request))
        return call_rows.told(request, request_id)
