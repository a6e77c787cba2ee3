"""REST for published policies: the one in force, all of them, and what differs between two."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.rest import Body, Shape, Text, caller
from policy import documents, drafts, versions
from policy.differences import NOTHING, differences
from policy.documents import Document
from policy.models import PolicyVersion, Rule

DRAFT, NONE = "draft", "none"


class OverriddenShape(Shape):
    """A warning of lint that the publisher overrode."""

    code = serializers.CharField()
    where = serializers.CharField(help_text="`rule NAME`, `test NAME` or `tool NAME`.")
    problem = serializers.CharField()
    reason = serializers.CharField()


class VersionShape(Shape):
    """A published policy."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    digest = serializers.CharField()
    author = serializers.CharField(source="author.username")
    publisher = serializers.CharField(source="publisher.username")
    note = serializers.CharField()
    published_at = serializers.DateTimeField()


class DocumentShape(VersionShape):
    """A published policy with its document."""

    document = serializers.CharField(help_text="YAML, as it was published.")
    overridden = OverriddenShape(many=True)


class DifferenceShape(Shape):
    """A rule, a test case or the note that is not the same in both; "" stands for what is not there."""

    kind = serializers.ChoiceField(["added", "removed", "changed"])
    what = serializers.ChoiceField(["rule", "test", "note", "order"])
    name = serializers.CharField()
    before = serializers.CharField(help_text="YAML.")
    after = serializers.CharField(help_text="YAML.")
    sentence_before = serializers.CharField()
    sentence_after = serializers.CharField()


class DifferencesShape(Shape):
    """What differs between two policies."""

    differences = DifferenceShape(many=True)

    def get_fields(self) -> dict[str, Any]:
        """Add the two names, of which Python takes one for itself."""
        told = "A number, `draft`, or `none` before the first is published."
        sides = {name: serializers.CharField(help_text=told) for name in ("from", "to")}
        return {**sides, **super().get_fields()}


class DifferencesQuery(Body):
    """Which two policies."""

    def get_fields(self) -> dict[str, Any]:
        """Return `from` and `to`."""
        told = {"from": "A version's number, or `draft`; the version in force if it is left out.", "to": "The same."}
        return {name: Text(required=False, max_length=20, help_text=told[name]) for name in told}


class ActivePolicy(APIView):
    """The policy in force."""

    @extend_schema(responses=DocumentShape)
    def get(self, request: Request) -> Response:
        """Return the policy in force; 404 before the first is published, while everything is denied."""
        version = versions.active()
        if version is None:
            raise NotFound
        return Response(DocumentShape(version).data)


class Versions(ListAPIView[PolicyVersion]):
    """The published policies, newest first."""

    serializer_class = VersionShape

    def get_queryset(self) -> QuerySet[PolicyVersion]:
        """Return all of them."""
        Body.read_query(self.request)
        return PolicyVersion.objects.select_related("author", "publisher").defer("document", "canonical")


class OneVersion(APIView):
    """One published policy."""

    @extend_schema(responses=DocumentShape)
    def get(self, request: Request, number: int) -> Response:
        """Return the policy with its document."""
        refuse_unless(request, drafts.READ, drafts.EDIT, drafts.PUBLISH)
        return Response(DocumentShape(version_of(number)).data)


class Differences(APIView):
    """What differs between two policies."""

    @extend_schema(parameters=[DifferencesQuery], responses=DifferencesShape)
    def get(self, request: Request) -> Response:
        """Return each rule and test case that was added, removed or changed; from the one in force to the draft."""
        refuse_unless(request, drafts.READ, drafts.EDIT, drafts.PUBLISH)
        query = DifferencesQuery.read_query(request)
        active = versions.active()
        before = query.get("from") or (str(active.number) if active else NONE)
        after = query.get("to", DRAFT)
        found = differences(_document("from", before), _document("to", after))
        return Response(DifferencesShape({"from": before, "to": after, "differences": found}).data)


class DocumentSchema(APIView):
    """The JSON Schema of policy documents."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Return the schema, for editors."""
        return Response(documents.schema())


def refuse_unless(request: Request, *permissions: str) -> None:
    """Raise PermissionDenied unless the caller has one of the permissions."""
    if not any(caller(request).has_perm(permission) for permission in permissions):
        raise PermissionDenied


def _document(field: str, name: str) -> Document:
    if name == NONE:
        return NOTHING
    if name == DRAFT:
        return drafts.document() if drafts.read() and Rule.objects.exists() else NOTHING
    if not (name.isascii() and name.isdecimal()):
        raise serializers.ValidationError({field: "must be a version's number, or draft."})
    return versions.document(version_of(int(name)))


def version_of(number: int) -> PolicyVersion:
    """Return the version of that number. Raises NotFound."""
    version = PolicyVersion.objects.select_related("author", "publisher").filter(number=number).first()
    if version is None:
        raise NotFound
    return version
