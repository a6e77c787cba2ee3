"""The form of a piece of the draft: shown, judged, moved about, saved; what is stale is told, with what was typed."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error
from policy import drafts
from policy.admin.desk import DeskAdmin, person
from policy.errors import FieldError, StaleDraftError
from policy.forms.editing import Editor
from policy.models import Draft, Rule, RuleTest
from policy.reveal import reveal

Part: TypeAlias = Rule | RuleTest
SAVED = "is in the draft now. It changes nothing before the draft is published."


class PartForms(DeskAdmin):
    """What the forms of rules and test cases have in common; the first six methods are where they differ."""

    def fresh(self, row: Any, hidden: dict[str, str]) -> Editor:
        """Return the form of a row, or of a new piece where it is None."""
        raise NotImplementedError

    def typed(self, data: Mapping[str, str], order: str = "") -> Editor:
        """Return the form as a browser sent it."""
        raise NotImplementedError

    def keep(self, value: dict[str, JSON], *, editor: AbstractUser, was: str, revision: int) -> Draft:
        """Save a piece."""
        raise NotImplementedError

    def take_out(self, name: str, *, editor: AbstractUser, revision: int) -> Draft:
        """Take a piece out."""
        raise NotImplementedError

    def sentence(self, row: Any) -> str:
        """Return a row in words."""
        raise NotImplementedError

    def facts(self, editor: Any, was: str, *, is_fresh: bool) -> dict[str, Any]:
        """Return what the page says beside the form; a fresh one says what is stored."""
        raise NotImplementedError

    def edit(self, request: HttpRequest, row: Part | None) -> HttpResponse:
        """Show the form of a row, or of a new piece where it is None; or do what a button of it says."""
        draft = drafts.read()
        if request.method != "POST":
            return self._form(request, row, self.fresh(row, _hidden(draft, row)))
        order = request.POST.get("do", "")
        if order in ("save", "stay"):
            return self._save(request, row, stay=order == "stay")
        editor = self.typed(request.POST.dict(), order if ":" in order else "")
        if ":" not in order:
            editor.value()
        return self._form(request, row, editor)

    def _save(self, request: HttpRequest, row: Part | None, *, stay: bool) -> HttpResponse:
        author = person(request, drafts.EDIT)
        editor, note = self.typed(request.POST.dict()), ""
        if value := editor.value():
            revision = editor.main.cleaned_data["revision"]
            try:
                self.keep(value, editor=author, was=row.name if row else "", revision=revision)
                return self._saved(request, str(value["name"]), stay=stay)
            except StaleDraftError:
                return self._stale(request, row)
            except FieldError as exc:
                editor.main.show(exc.path, exc.problem)
            except M1Error as exc:
                note = str(exc)
        return self._form(request, row, editor, note=note)

    def _saved(self, request: HttpRequest, name: str, *, stay: bool) -> HttpResponse:
        messages.success(request, f"The {self.opts.verbose_name} {reveal(name, one_line=True)} {SAVED}")
        row, opts = self.model._default_manager.filter(name=name).first(), self.opts
        if not stay or row is None:
            return HttpResponseRedirect(self.list_address())
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk]))

    def _stale(self, request: HttpRequest, row: Part | None) -> HttpResponse:
        """Show what was typed again, and who changed what meanwhile; saved once more, it counts."""
        draft = drafts.read()
        now = self.model._default_manager.filter(pk=row.pk).first() if row else None
        hidden, seen = _hidden(draft, now), request.POST.get("seen", "")
        editor = self.typed(request.POST.dict() | hidden)
        editor.value()
        stale = {
            "draft": draft, "is_gone": bool(seen) and now is None, "is_same": seen == hidden["seen"],
            "sentence": self.sentence(now) if now else "",
        }  # fmt: skip
        return self._form(request, now, editor, stale=stale, status=409)

    def _form(
        self, request: HttpRequest, row: Any, editor: Editor, *, note: str = "", stale: Mapping[str, Any] | None = None,
        status: int = 200,
    ) -> HttpResponse:  # fmt: skip
        name = str(self.opts.verbose_name)
        title = f"{name.capitalize()}: {reveal(row.name, one_line=True)}" if row else f"New {name}"
        facts = {
            "row": row, "editor": editor, "note": note, "stale": stale, "sentence": self.sentence(row) if row else "",
            **self.facts(editor, row.name if row else "", is_fresh=request.method != "POST"),
        }  # fmt: skip
        return self.shown(request, f"{self.opts.model_name}_form", title, facts, status)

    def list_address(self) -> str:
        """Return where the list is."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")


def _hidden(draft: Draft, row: Part | None) -> dict[str, str]:
    """Return what a form carries to tell later whether somebody else was faster."""
    seen = canonical.digest(row.body.encode()) if row else ""
    return {"revision": str(draft.revision), "seen": seen}
