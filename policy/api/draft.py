"""REST for the draft of the next policy: read, applied, tested, reset, published."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.rest import Body, Shape, Text, Whole, caller, request_key
from policy import documents, drafts, publishing
from policy.api.versions import DocumentShape, refuse_unless, version_of
from policy.models import Draft
from policy.yaml_text import MAX_BYTES

READERS = (drafts.READ, drafts.EDIT, drafts.PUBLISH)
MAX_REVISION = 2**31 - 1
WORDS = "Refused with 409 if the draft has moved past this revision; left out, whatever it is at."


class DraftShape(Shape):
    """The draft of the next policy."""

    revision = serializers.IntegerField(help_text="Moves with every edit; an edit names the one it saw.")
    base = serializers.IntegerField(allow_null=True, help_text="The number of the version that it began as.")
    author = serializers.CharField(allow_null=True, help_text="Who edited it last.")
    editors = serializers.ListField(
        child=serializers.CharField(), help_text="Who edited it since it began; with four eyes, none of them publishes."
    )
    updated_at = serializers.DateTimeField(allow_null=True)
    digest = serializers.CharField()
    document = serializers.CharField(help_text="YAML.")


class FindingShape(Shape):
    """What lint says; an error stops publishing, a warning can be overridden with a reason."""

    code = serializers.CharField()
    where = serializers.CharField(help_text="`rule NAME`, `test NAME` or `tool NAME`.")
    problem = serializers.CharField()
    is_error = serializers.BooleanField()


class FailureShape(Shape):
    """A test case that fails."""

    case = serializers.CharField()
    problem = serializers.CharField()
    outcome = serializers.CharField(source="verdict.outcome")
    sentences = serializers.SerializerMethodField()

    def get_sentences(self, failure: documents.Failure) -> list[str]:
        """Return the reasons of the verdict that was not expected."""
        return [reason.sentence for reason in failure.verdict.reasons]


class ExaminationShape(Shape):
    """What would stop a policy from being published."""

    is_clean = serializers.BooleanField(help_text="There is nothing.")
    findings = FindingShape(many=True)
    failures = FailureShape(many=True)


class NewDraft(Body):
    """A policy to become the draft."""

    document = Text(max_length=MAX_BYTES, help_text="YAML, or JSON, as a text.")
    revision = Whole(required=False, allow_null=True, min_value=0, max_value=MAX_REVISION, help_text=WORDS)


class Origin(Body):
    """Which version the draft is to be a copy of."""

    version = Whole(required=False, allow_null=True, min_value=1, help_text="Its number; left out, the one in force.")
    revision = Whole(required=False, allow_null=True, min_value=0, max_value=MAX_REVISION, help_text=WORDS)


class Publication(Body):
    """What the publisher says."""

    note = Text(required=False, default="", allow_blank=True, max_length=publishing.MAX_NOTE)
    override = Text(
        required=False, default="", allow_blank=True, max_length=publishing.MAX_REASON,
        help_text="Why the warnings of lint are overridden.",
    )  # fmt: skip
    revision = Whole(required=False, allow_null=True, min_value=0, max_value=MAX_REVISION, help_text=WORDS)


class Examinee(Body):
    """A policy to test."""

    document = Text(required=False, allow_null=True, max_length=MAX_BYTES, help_text="YAML; left out, the draft.")


class OneDraft(APIView):
    """The draft of the next policy."""

    @extend_schema(responses=DraftShape)
    def get(self, request: Request) -> Response:
        """Return the draft; untouched, it is a copy of the policy in force."""
        refuse_unless(request, *READERS)
        Body.read_query(request)
        return Response(_told(drafts.read()))

    @extend_schema(request=NewDraft, responses=DraftShape)
    def put(self, request: Request) -> Response:
        """Make the draft say what a document says."""
        refuse_unless(request, drafts.EDIT)
        body = NewDraft.read(request)
        draft = drafts.apply(body["document"], editor=caller(request), revision=body.get("revision"))
        return Response(_told(draft))


class Reset(APIView):
    """The way back."""

    @extend_schema(request=Origin, responses=DraftShape)
    def post(self, request: Request) -> Response:
        """Make the draft a copy of a version."""
        refuse_unless(request, drafts.EDIT)
        body = Origin.read(request)
        number = body.get("version")
        version = None if number is None else version_of(number)
        return Response(_told(drafts.reset(editor=caller(request), version=version, revision=body.get("revision"))))


class Publish(APIView):
    """The end of the draft: a version in force."""

    @extend_schema(request=Publication, responses={201: DocumentShape})
    def post(self, request: Request) -> Response:
        """Publish the draft; refused with the findings and failing test cases that stop it."""
        refuse_unless(request, drafts.PUBLISH)
        body = Publication.read(request)
        version = drafts.publish(publisher=caller(request), request_key=request_key(request), **body)
        return Response(DocumentShape(version).data, status=201)


class Test(APIView):
    """A policy put to the test."""

    @extend_schema(request=Examinee, responses=ExaminationShape)
    def post(self, request: Request) -> Response:
        """Return what lint and the test cases say of a document, or of the draft; nothing changes."""
        refuse_unless(request, *READERS)
        text = Examinee.read(request).get("document")
        found = drafts.examine() if text is None else publishing.examine(documents.load(text))
        return Response(ExaminationShape(found).data)


def _told(draft: Draft) -> dict[str, Any]:
    facts = {
        "revision": draft.revision, "base": draft.base.number if draft.base else None,
        "author": draft.author.username if draft.author else None,
        "editors": list(draft.editors.order_by("username").values_list("username", flat=True)),
        "updated_at": draft.updated_at, "digest": drafts.digest(draft), "document": drafts.text(),
    }  # fmt: skip
    return dict(DraftShape(facts).data)
