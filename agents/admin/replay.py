"""What the draft would have said to the calls of the past: a page of the desk that only looks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from agents import replay
from agents.replay import Replay
from policy.admin import comparing
from policy.admin.desk import reader
from policy.documents import Document

DAYS, MAX_DAYS = 30, 730
ASKED = {"no_policy": "there was no policy yet", "halted": "a halt was on", "invalid_arguments": "invalid arguments"}


class ReplayForm(forms.Form):
    """Which policy, and how far back."""

    use_required_attribute = False
    policy = forms.CharField(
        label="policy", required=False, max_length=10, help_text="draft, or the number of a version.",
        widget=forms.TextInput(attrs={"size": 8}),
    )  # fmt: skip
    days = forms.IntegerField(label="days back", min_value=1, max_value=MAX_DAYS)


@dataclass(frozen=True, slots=True)
class Shown:
    """A replay with what was not judged in words."""

    found: Replay
    not_judged: list[tuple[str, int]]


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Ask how far back, and show whose outcome would flip."""
    reader(request)
    form = ReplayForm(request.GET if "days" in request.GET else None, initial={"policy": comparing.DRAFT, "days": DAYS})
    shown: Shown | None = None
    if form.is_bound and form.is_valid():
        chosen = comparing.read(form.cleaned_data["policy"].strip() or comparing.DRAFT)
        if chosen is None:
            form.add_error("policy", "There is no such version; say draft, or the number of one.")
        else:
            shown = _replayed(request, chosen[1], form.cleaned_data["days"])
    title = "What would have been"
    facts: dict[str, Any] = {**admin.site.each_context(request), "title": title, "form": form, "shown": shown}
    return TemplateResponse(request, "admin/policy/replay.html", facts)


def _replayed(request: HttpRequest, document: Document, days: int) -> Shown:
    if not isinstance(request.user, AbstractUser):  # the admin lets nobody else in
        raise PermissionDenied
    found = replay.replay(document, since=timedelta(days=days), viewer=request.user)
    return Shown(found, [(ASKED.get(code, code.replace("_", " ")), count) for code, count in found.not_judged.items()])
