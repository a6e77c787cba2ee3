"""How people decide, for dashboards; who decided how, for auditors only."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents import stats
from audit import clock
from audit.rest import Body, Shape, caller

MAX_DAYS = 366
PER_PERSON = "agents.view_oversight"


class Period(Body):
    """How far back to look."""

    days = serializers.IntegerField(required=False, default=30, min_value=1, max_value=MAX_DAYS)


class MannerShape(Shape):
    """Answers that people gave themselves; times in seconds, null where none is known."""

    approvals = serializers.IntegerField()
    rejections = serializers.IntegerField()
    broken_glass = serializers.IntegerField()
    self_approvals = serializers.IntegerField()
    fast = serializers.IntegerField(help_text=f"Approvals on a page open for less than {stats.FAST_SECONDS} seconds.")
    timed = serializers.IntegerField(help_text="Approvals on a page whose time is known.")
    fast_share = serializers.FloatField(allow_null=True, help_text="Fast of timed, 0 to 1.")
    open_median = serializers.FloatField(allow_null=True)
    open_p95 = serializers.FloatField(allow_null=True)
    focus_median = serializers.FloatField(allow_null=True, help_text="Of that, with the focus, as clients report it.")
    blind = serializers.IntegerField(help_text="Approvals of which nobody knows what was shown.")
    wait_median = serializers.FloatField(allow_null=True)
    wait_p95 = serializers.FloatField(allow_null=True)


class PersonShape(Shape):
    """How one person decides."""

    person = serializers.CharField()
    manner = MannerShape()


class OversightShape(Shape):
    """How people decide."""

    since = serializers.DateTimeField()
    everyone = MannerShape()
    people = PersonShape(many=True, allow_null=True, help_text="Null for who may not see how each person decides.")


class Oversight(APIView):
    """How people decide."""

    @extend_schema(parameters=[Period], responses=OversightShape)
    def get(self, request: Request) -> Response:
        """Return the numbers of a period that ends now."""
        days = Period.read_query(request).get("days", 30)
        until = clock.now()
        since = until - timedelta(days=days)
        everyone, people = stats.oversight(since, until)
        told: dict[str, Any] = {"since": since, "everyone": everyone, "people": None}
        if caller(request).has_perm(PER_PERSON):
            told["people"] = [{"person": name, "manner": manner} for name, manner in people.items()]
        return Response(OversightShape(told).data)
