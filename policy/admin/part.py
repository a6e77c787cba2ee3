"""The pages of a piece of the draft, a rule or a test case: the list, the form, taking it out."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect

from audit.errors import M1Error
from policy import drafts
from policy.admin.desk import person, reader
from policy.admin.part_forms import PartForms
from policy.reveal import reveal


class PartAdmin(PartForms):
    """What rules and test cases have in common."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, by its name; a draft that nobody has begun is the version in force."""
        reader(request)
        drafts.read()
        title = f"{self.opts.verbose_name_plural} of the draft".capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show or take the form of a new piece."""
        person(request, drafts.EDIT)
        return self.edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show or take the form of a piece; one that is gone meanwhile is a new one, so that nothing typed is lost."""
        reader(request)
        row = self.get_object(request, unquote(object_id))
        if request.method == "POST":
            person(request, drafts.EDIT)
        elif row is None:
            raise Http404
        return self.edit(request, row)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask whether a piece is to be taken out, and do it."""
        editor = person(request, drafts.EDIT)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if request.method == "POST":
            try:
                self.take_out(row.name, editor=editor, revision=_revision(request))
                messages.success(
                    request, f"The {self.opts.verbose_name} {reveal(row.name, one_line=True)} is out of the draft."
                )
                return HttpResponseRedirect(self.list_address())
            except M1Error as exc:
                messages.error(request, str(exc))
        facts = {"row": row, "sentence": self.sentence(row), "draft": drafts.read()}
        return self.shown(request, "part_delete", f"Take {reveal(row.name, one_line=True)} out of the draft?", facts)


def _revision(request: HttpRequest) -> int:
    text = request.POST.get("revision", "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise PermissionDenied
    return int(text)
