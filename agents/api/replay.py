"""What a policy would have said to the calls of the past."""

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import replay
from audit.rest import Body, Shape, Text, Whole, caller
from policy import documents, drafts
from policy.api.versions import refuse_unless
from policy.yaml_text import MAX_BYTES

MAX_DAYS = 730
MAY_REPLAY = (drafts.READ, drafts.EDIT, drafts.PUBLISH)


class Past(Body):
    """A policy, and how far back it is to look."""

    document = Text(required=False, allow_null=True, max_length=MAX_BYTES, help_text="YAML; left out, the draft.")
    since_days = Whole(min_value=1, max_value=MAX_DAYS)


class FlipShape(Shape):
    """A call that would have been answered otherwise."""

    request_id = serializers.UUIDField()
    tool = serializers.CharField()
    headline = serializers.CharField()
    at = serializers.DateTimeField()
    was = serializers.CharField(help_text="In words: `denied`, `approval by 1 member of finance`.")
    would_be = serializers.CharField()
    why = serializers.CharField(help_text="The reasons of what would be.")


class ReplayShape(Shape):
    """Whose outcome would flip; counts are exact, whatever is listed."""

    since = serializers.DateTimeField()
    judged = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    flipped = serializers.IntegerField()
    hidden = serializers.IntegerField(help_text="How many flipped that you may not see.")
    flips = FlipShape(many=True, help_text=f"Newest first, {replay.MAX_LISTED:,} at most.")
    not_judged = serializers.DictField(
        child=serializers.IntegerField(), help_text="Calls that no rule ever saw, by the code of what came before."
    )
    note = serializers.CharField(help_text="How the past is read.")


class Replay(APIView):
    """A policy put to the past."""

    @extend_schema(request=Past, responses=ReplayShape)
    def post(self, request: Request) -> Response:
        """Return whose outcome would flip under a document, or under the draft; nothing changes."""
        refuse_unless(request, *MAY_REPLAY)
        body = Past.read(request)
        text, since = body.get("document"), timedelta(days=body["since_days"])
        document = drafts.document() if text is None else documents.load(text)
        return Response(ReplayShape(replay.replay(document, since=since, viewer=caller(request))).data)
