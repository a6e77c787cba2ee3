"""Halts in the admin: what is stopped and was, by whom and why; to set one, and to lift some."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from agents import halts
from agents.forms.halt import HaltForm
from agents.models import Halt
from audit.errors import M1Error
from policy.readonly import ReadOnlyAdmin
from policy.reveal import reveal

MOST = 20


@admin.register(Halt)
class HaltAdmin(ReadOnlyAdmin):
    """Stops, newest first. They are set and lifted, never edited."""

    list_display = ("created_at", "what", "reason_text", "person", "lifted_at")
    list_filter = (("lifted_at", admin.EmptyFieldListFilter), "agent", "tool")
    list_select_related = ("agent", "tool", "person")
    date_hierarchy = "created_at"
    search_fields = ("reason", "agent__name", "tool__name", "person__username")
    ordering = ("-created_at", "-id")
    actions = ("lift",)
    fields = ("what", "reason_text", "person", "created_at", "lifted_at")
    readonly_fields = ("what", "reason_text")

    @admin.display(description="stops")
    def what(self, halt: Halt) -> str:
        """Return what is stopped."""
        return f"agent {halt.agent}" if halt.agent else f"tool {halt.tool}" if halt.tool else "everything"

    @admin.display(description="reason")
    def reason_text(self, halt: Halt) -> str:
        """Return why, hidden characters shown."""
        return reveal(halt.reason)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Operators and administrators halt."""
        return halts.may_halt(request.user)

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Whoever may halt may lift."""
        return halts.may_halt(request.user)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask what is to be stopped and why, then stop it: the admin's own form would hold a transaction around it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = HaltForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            halt = halts.set_halt(actor=_person(request), reason=form.cleaned_data["reason"], **form.target())
            self.message_user(request, f"Stopped: {self.what(halt)}.", messages.SUCCESS)
            return redirect("admin:agents_halt_changelist")
        context = {**self.admin_site.each_context(request), "title": "Halt", "form": form, "opts": self.opts}
        return TemplateResponse(request, "admin/agents/halt/add.html", context, status=400 if form.errors else 200)

    @admin.action(description="Lift: what they stop goes on…", permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Halt]) -> HttpResponse | None:
        """Show the chosen ones that are in force, then lift those that were shown."""
        if "confirmed" in request.POST:
            self._lift(request, frozenset(request.POST.getlist("seen")), queryset)
            return None
        chosen = list(queryset.filter(lifted_at=None).select_related("agent", "tool", "person")[:MOST])
        if not chosen:
            self.message_user(request, "None of the selected halts is in force.", messages.WARNING)
            return None
        context = {
            **self.admin_site.each_context(request), "title": "Lift halts", "opts": self.opts,
            "shown": [(halt, self.what(halt)) for halt in chosen], "checkbox": ACTION_CHECKBOX_NAME,
        }  # fmt: skip
        return TemplateResponse(request, "admin/agents/halt/lift.html", context)

    def _lift(self, request: HttpRequest, seen: frozenset[str], queryset: QuerySet[Halt]) -> None:
        for halt in queryset.filter(pk__in=[one.pk for one in queryset if str(one.pk) in seen]):
            try:
                halts.lift(halt.pk, actor=_person(request))
            except M1Error as exc:
                self.message_user(request, f"{self.what(halt)}: {exc}", messages.WARNING)
            else:
                self.message_user(request, f"Lifted: {self.what(halt)}.", messages.SUCCESS)


def _person(request: HttpRequest) -> AbstractUser:
    if not isinstance(request.user, AbstractUser):  # the admin lets nobody else in
        raise PermissionDenied
    return request.user
