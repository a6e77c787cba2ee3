"""Published policies: the list, one of them in words, and any two as a difference."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET

from policy import sentences, versions
from policy.admin import comparing
from policy.admin.comparing import DRAFT
from policy.admin.desk import DeskAdmin, reader
from policy.differences import case_sentence
from policy.models import PolicyVersion

MOST_SHOWN, MOST_CHOICES = 500, 200


@admin.register(PolicyVersion)
class PolicyVersionAdmin(DeskAdmin):
    """Published policies; the highest number is in force."""

    list_display = ("title", "author", "publisher", "published_at", "note", "overridden_count", "short_digest")
    list_select_related = ("author", "publisher")
    date_hierarchy = "published_at"
    search_fields = ("^digest", "note", "document")
    change_list_template = "admin/policy/version_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        """Return all of them."""
        return PolicyVersion.objects.select_related("author", "publisher")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a version but by publishing the draft."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes what was published."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes it."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the differences and the export."""
        view = self.admin_site.admin_view
        return [
            path("diff/", view(self.diff), name="policy_policyversion_diff"),
            path("<uuid:version_id>/export/", view(self.export), name="policy_policyversion_export"),
            *super().get_urls(),
        ]

    @admin.display(description="version", ordering="number")
    def title(self, version: PolicyVersion) -> str:
        """Return its name."""
        return str(version)

    @admin.display(description="digest")
    def short_digest(self, version: PolicyVersion) -> str:
        """Return the beginning of the digest."""
        return version.digest[:12]

    @admin.display(description="overridden findings")
    def overridden_count(self, version: PolicyVersion) -> str:
        """Return how many warnings its publisher overrode."""
        return str(len(version.overridden) or "none")

    @method_decorator(require_GET)
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a version: what it says, who published it, and what they overrode."""
        reader(request)
        version = self.get_object(request, unquote(object_id))
        if version is None:
            raise Http404
        document, active = versions.document(version), versions.active()
        facts = {
            "version": version, "is_active": active == version,
            "rules": [(rule, sentences.rule(rule)) for rule in document.rules[:MOST_SHOWN]],
            "tests": [(case, case_sentence(case)) for case in document.tests[:MOST_SHOWN]],
            "more": max(0, len(document.rules) - MOST_SHOWN), "said": document.note,
            "previous": PolicyVersion.objects.filter(number__lt=version.number).first(),
            "next": PolicyVersion.objects.filter(number__gt=version.number).order_by("number").first(),
        }  # fmt: skip
        return self.shown(request, "version", str(version).capitalize(), facts)

    @method_decorator(require_GET)
    def export(self, request: HttpRequest, version_id: Any) -> HttpResponse:
        """Return a version as the YAML it was published as."""
        reader(request)
        version = PolicyVersion.objects.filter(pk=version_id).first()
        if version is None:
            raise Http404
        return as_yaml(version.document, f"policy-{version.number}.yaml")

    @method_decorator(require_GET)
    def diff(self, request: HttpRequest) -> HttpResponse:
        """Show what one version says and another, or the draft, does not."""
        reader(request)
        known = list(PolicyVersion.objects.values_list("number", flat=True)[:MOST_CHOICES])
        chosen = request.GET.get("from", str(known[min(1, len(known) - 1)]) if known else DRAFT)
        other = request.GET.get("to", str(known[0]) if known else DRAFT)
        old, new = comparing.read(chosen), comparing.read(other)
        if old is None or new is None:
            raise Http404
        facts = {
            "old": old[0], "new": new[0], "compared": comparing.compare(old[1], new[1]),
            "from": chosen, "to": other, "choices": [DRAFT, *map(str, known)],
        }  # fmt: skip
        return self.shown(request, "diff", f"From {old[0]} to {new[0]}", facts)


def as_yaml(text: str, name: str) -> HttpResponse:
    """Return a policy as a file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)
