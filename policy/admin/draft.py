"""The draft as a whole: what it changes, what stops it, publishing it, its YAML, the way back."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import AbstractUser
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET, require_http_methods

from audit.errors import M1Error
from policy import drafts, versions
from policy.admin import comparing, publication
from policy.admin.desk import DeskAdmin, person, reader
from policy.admin.policy_version import as_yaml
from policy.documents import Document
from policy.errors import DocumentError
from policy.forms.publishing import ApplyForm, NoteForm, PublishForm, Seen
from policy.models import Draft

MOST_PROBLEMS = 50
Act = Callable[[Any, AbstractUser], object]


@admin.register(Draft)
class DraftAdmin(DeskAdmin):
    """There is one draft, so its list is its page."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds another."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes it."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Return the page and what can be done on it; a draft has no page by its key."""
        view, names = self.admin_site.admin_view, ("publish", "apply", "note", "reset", "export")
        inner = [path(f"{name}/", view(getattr(self, name)), name=f"policy_draft_{name}") for name in names]
        return [path("", view(self.changelist_view), name="policy_draft_changelist"), *inner]

    @method_decorator(require_GET)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the draft."""
        return self._page(request)

    @method_decorator(require_http_methods(["POST"]))
    def publish(self, request: HttpRequest) -> HttpResponse:
        """Publish it, as whoever pressed the button."""
        form = PublishForm(request.POST)

        def act(said: dict[str, Any], user: AbstractUser) -> None:
            version = drafts.publish(publisher=user, **said)
            messages.success(request, f"{str(version).capitalize()} is in force now.")

        return self._do(request, "publish", form, drafts.PUBLISH, act)

    @method_decorator(require_http_methods(["POST"]))
    def apply(self, request: HttpRequest) -> HttpResponse:
        """Put a YAML document in the place of the whole draft."""
        form = ApplyForm(request.POST, request.FILES)

        def act(said: dict[str, Any], user: AbstractUser) -> None:
            drafts.apply(said["text"], editor=user, revision=said["revision"])
            messages.success(request, "The draft says what the YAML says now.")

        return self._do(request, "apply", form, drafts.EDIT, act)

    @method_decorator(require_http_methods(["POST"]))
    def note(self, request: HttpRequest) -> HttpResponse:
        """Say what the policy is for."""

        def act(said: dict[str, Any], user: AbstractUser) -> None:
            drafts.set_note(said["note"], editor=user, revision=said["revision"])
            messages.success(request, "The draft says what it is for.")

        return self._do(request, "note", NoteForm(request.POST), drafts.EDIT, act)

    @method_decorator(require_http_methods(["GET", "POST"]))
    def reset(self, request: HttpRequest) -> HttpResponse:
        """Show what would be lost, then make the draft a copy of the version in force."""
        user = person(request, drafts.EDIT)
        form = Seen(request.POST)
        if request.method == "POST" and form.is_valid():
            try:
                drafts.reset(editor=user, revision=form.cleaned_data["revision"])
                messages.success(request, "The draft says the same as the policy in force.")
                return HttpResponseRedirect(_here())
            except M1Error as exc:
                messages.error(request, str(exc))
        facts = {"draft": drafts.read(), "compared": self._lost()}
        return self.shown(request, "draft_reset", "Give up what the draft changes?", facts)

    @method_decorator(require_GET)
    def export(self, request: HttpRequest) -> HttpResponse:
        """Return the draft as YAML."""
        reader(request)
        return as_yaml(drafts.text(), "policy-draft.yaml")

    def _do(self, request: HttpRequest, name: str, form: forms.Form, permission: str, act: Act) -> HttpResponse:
        """Do what a form of the page asks for; what is refused is told on the page, with what was typed."""
        user = person(request, permission)
        if not form.is_valid():
            return self._again(request, name, form, status=400)
        try:
            act(form.cleaned_data, user)
        except DocumentError as exc:
            problems = exc.facts.get("problems", [])
            listed = problems[:MOST_PROBLEMS] if isinstance(problems, list) else []
            return self._again(request, name, form, status=400, problems=listed)
        except M1Error as exc:
            return self._again(request, name, form, status=exc.http_status, refused=str(exc))
        return HttpResponseRedirect(_here())

    def _again(self, request: HttpRequest, name: str, form: forms.Form, *, status: int, **said: Any) -> HttpResponse:
        """Show the page with what was typed; sent once more, the form speaks of the draft that the page shows now."""
        form.data = {**request.POST.dict(), "revision": str(drafts.read().revision)}
        return self._page(request, status=status, **{name: form}, **said)

    def _page(self, request: HttpRequest, *, status: int = 200, **said: Any) -> HttpResponse:
        reader(request)
        draft, active = drafts.read(), versions.active()
        old = versions.document(active) if active else Document(())
        new = comparing.draft_or_nothing()
        hidden = {"revision": draft.revision}
        facts = {
            "draft": draft, "active": active, "editors": list(draft.editors.order_by("username")),
            "compared": comparing.compare(old, new), "counts": (len(new.rules), len(new.tests)),
            **publication.facts(draft, request.user),
            "publish": PublishForm(initial=hidden), "note": NoteForm(initial=hidden | {"note": draft.note}),
            "apply": ApplyForm(initial=hidden), **said,
        }  # fmt: skip
        return self.shown(request, "draft", "The draft of the next policy", facts, status)

    def _lost(self) -> comparing.Comparison:
        active = versions.active()
        return comparing.compare(comparing.draft_or_nothing(), versions.document(active) if active else Document(()))


def _here() -> str:
    return reverse("admin:policy_draft_changelist")
