"""REST for the trail: its events, for those who oversee."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from audit import canonical
from audit.canonical import JSON
from audit.events import Event
from audit.models import AuditEvent
from audit.rest import Body, Shape, Text

OVERSEERS = ("auditor", "administrator")


class EventShape(Shape):
    """One event: its header, and its facts where retention has left them."""

    id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = serializers.CharField()
    subject = serializers.CharField()
    payload = serializers.SerializerMethodField()
    payload_digest = serializers.CharField()

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_payload(self, event: AuditEvent) -> JSON:
        """Return the facts; null where they were removed."""
        payload = getattr(event, "payload", None)
        return canonical.parse(bytes(payload.body)) if payload else None


class EventQuery(Body):
    """Which events to list."""

    action = serializers.ChoiceField([event.value for event in Event], required=False)
    actor = Text(required=False, max_length=64)
    subject = Text(required=False, max_length=240)
    since = serializers.DateTimeField(source="created_at__gte", required=False)
    until = serializers.DateTimeField(source="created_at__lt", required=False)


class Events(ListAPIView[AuditEvent]):
    """The events of the trail, newest first."""

    serializer_class = EventShape

    def get_queryset(self) -> QuerySet[AuditEvent]:
        """Return what the query asks for. Raises PermissionDenied for who does not oversee."""
        user = self.request.user
        if not user.has_perm("audit.view_auditevent") and not user.groups.filter(name__in=OVERSEERS).exists():
            raise PermissionDenied
        return AuditEvent.objects.filter(**EventQuery.read_query(self.request)).select_related("payload")

    @extend_schema(parameters=[EventQuery])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List events."""
        return super().get(request, *args, **kwargs)
