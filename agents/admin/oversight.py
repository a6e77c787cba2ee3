"""How people decide: a page of the desk for auditors, which only looks."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_GET

from agents import stats
from audit import clock

DAYS, MAX_DAYS = 30, 366
MAY = "agents.view_oversight"


class PeriodForm(forms.Form):
    """How far back."""

    use_required_attribute = False
    days = forms.IntegerField(label="days back", min_value=1, max_value=MAX_DAYS)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show how everybody decided in a period, and each person."""
    if not request.user.has_perm(MAY):
        raise PermissionDenied
    form = PeriodForm(request.GET if "days" in request.GET else {"days": DAYS})
    facts: dict[str, Any] = {**admin.site.each_context(request), "title": "How people decide", "form": form}
    if form.is_valid():
        now = clock.now()
        everyone, people = stats.oversight(now - timedelta(days=form.cleaned_data["days"]), now)
        facts |= {"rows": [("Everyone", everyone), *people.items()], "fast_seconds": stats.FAST_SECONDS}
    return TemplateResponse(request, "admin/agents/oversight.html", facts)
